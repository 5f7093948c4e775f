import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { PAGE_PATH, telemetryPage } from '../../scripts/telemetry-page.ts'

test('the page of telemetry is what the tables of names say', () => {
  assert.equal(readFileSync(PAGE_PATH, 'utf8'), telemetryPage(), 'run `npm run docs`')
})
