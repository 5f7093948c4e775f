/** The rules of the house (docs/STYLE.md), held against the tree. That each rule can fail: test/tidy/rules.test.ts. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { filesUnder, LISTED_ROOMS, listOf } from '../scripts/generate.ts'
import allowed from './tidy/allowed.json' with { type: 'json' }
import exceptions from './tidy/exceptions.json' with { type: 'json' }
import { checkHouse, describeFindings, readSources } from './tidy/house.ts'

const root = path.resolve(import.meta.dirname, '..')

test('the house is tidy', () => {
  const sources = readSources(root)
  assert.ok(
    sources.some(source => source.path === 'test/tidy.test.ts'),
    'the tree was found'
  )
  const findings = checkHouse(sources, exceptions, allowed)
  assert.equal(findings.length, 0, `\n${describeFindings(findings)}`)
})

for (const room of LISTED_ROOMS) {
  test(`the list of ${room.folder} is fresh`, {
    skip: !existsSync(path.join(root, room.folder)) && 'no room yet'
  }, () => {
    const index = path.join(root, room.folder, 'index.ts')
    const written = existsSync(index) ? readFileSync(index, 'utf8') : undefined
    assert.equal(written, listOf(room, filesUnder(root, room.folder)), 'run `npm run generate`')
  })
}
