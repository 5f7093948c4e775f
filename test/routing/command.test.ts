import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-explain-'))
after(() => rmSync(directory, { recursive: true }))

writeFileSync(
  join(directory, 'gatehouse.yaml'),
  'sim: true\nroutes:\n  smart: { when: [{ if: { metadata.plan: free }, then: sim/free }], else: { fallback: [sim/a, sim/b] } }\n'
)

function explain(argv: string[], input = '') {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  return spawnSync(process.execPath, [main, 'explain', ...argv], { cwd: directory, input, encoding: 'utf8' })
}

test('gatehouse explain says the order, and what is left out and why', () => {
  const { stdout, stderr, status } = explain(['--model', 'smart'])
  assert.equal(status, 0, stderr)
  assert.match(stdout, /1\. sim\/a .*2 attempts.*\n.*2\. sim\/b /)
  assert.match(stdout, /Left out:\n\s+sim\/free\s+condition: /)
})

test('gatehouse explain reads the call from standard input, and answers in JSON', () => {
  const call = { model: 'smart', metadata: { plan: 'free' }, messages: [{ role: 'user', content: 'x' }] }
  const { stdout, stderr } = explain(['--body', '-', '--json', '--failing', 'silent'], JSON.stringify(call))
  const { rule, assuming, targets } = JSON.parse(stdout || stderr)
  assert.deepEqual({ rule, assuming }, { rule: 'route', assuming: 'silent' })
  assert.deepEqual(
    targets.map(({ target, attempts }: { target: string; attempts: number }) => [target, attempts]),
    [['sim/free', 1]]
  )
})

test('gatehouse explain says what the call would be told', () => {
  const { stderr, status } = explain(['--model', 'smrt'])
  assert.equal(status, 1)
  assert.match(stderr, /Did you mean "smart"/)
  assert.match(explain([]).stderr, /--model NAME/)
  assert.match(explain(['--model', 'smart', '--header', 'x-gatehouse-metadata:free']).stderr, /must be a JSON object/)
})
