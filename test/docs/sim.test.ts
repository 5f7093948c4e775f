import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PAGE_PATH, simPage } from '../../scripts/sim-page.ts'

test('docs/guide/simulated-provider.md is what the table of behaviours says', () => {
  assert.equal(readFileSync(PAGE_PATH, 'utf8'), simPage(), 'run `npm run docs`')
})
