/** `gatehouse guards`: against a gateway that runs, and `eval` against a configuration file alone. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { quantile, scoreOf } from '../../src/guards/scores.ts'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { runCommand } from '../support/cli.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-these-tests-only'
const ANN = 'ann@example.com'
const GUARDS = `
guards:
  personal: { check: pii, types: [email], action: mask }
  names: { check: words, name: codenames, words: [Bluebird], on: [request] }
  rubric: { check: judge, model: openai/assistant, rubric: "No poems." }
routes: { guarded: { to: openai/assistant, guards: [personal, names, rubric] } }
`

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-guards-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const cli = (...argv: string[]) => runCommand('guards', ...argv)

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const linesOf = (...lines: JsonObject[]) => lines.map(line => `${JSON.stringify(line)}\n`).join('')

describe('guards list and test ask a gateway that runs', () => {
  let at: TestGateway
  before(async () => {
    at = await startTestGateway({ yaml: GUARDS, adminToken: new Secret(TOKEN) })
  })
  after(() => at?.close())
  const ask = (...argv: string[]) => cli(...argv, '--url', at.gateway.url, '--token', TOKEN)

  test('list', async () => {
    const { out, code } = await ask('list')
    assert.equal(code, 0)
    assert.match(
      out,
      /^NAME .*\npersonal +pii +request, response +mask +false +guarded.*\nnames +words +request +block/
    )
    const rows = JSON.parse((await ask('list', '--json')).out) as JsonObject[]
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['personal', 'names', 'rubric']
    )
  })

  test('test', async () => {
    const asked = ['test', `Bluebird writes to ${ANN}`, '--guard', 'personal', '--guard', 'names']
    const { out, code, err } = await ask(...asked)
    assert.equal(code, 0, err)
    assert.match(out, /personal +pii +mask +[\d.]+ +pii\.email 19-34/)
    assert.match(out, /names +words +block +[\d.]+ +words\.codenames 0-8/)
    assert.match(out, /action +block\ntext +Bluebird writes to \[\[EMAIL_1\]\]\n/)
    const json = JSON.parse((await ask(...asked, '--json')).out) as JsonObject
    assert.equal(json.action, 'block')
    const wrong = await ask('test', 'hello', '--guard', 'nobody')
    assert.deepEqual([wrong.code, wrong.out], [1, ''])
    assert.match(wrong.err, /No guard has the name "nobody"/)
  })
})

describe('guards eval needs a configuration file alone', () => {
  const config = file('gatehouse.yaml', `providers: { openai: { keys: [sk-a-key-for-tests] } }\n${GUARDS}`)
  const evaluate = (texts: string, ...argv: string[]) =>
    cli('eval', file('texts.jsonl', texts), '--config', config, ...argv)
  const texts = linesOf(
    { text: `Write to ${ANN}.`, expect: 'block', guard: 'personal' },
    { text: 'Write to her, at her address.', expect: 'block', guard: 'personal' },
    { text: 'Bluebird flies.', expect: 'block', guard: 'names' },
    { text: 'Bluebird answers.', side: 'response', expect: 'allow' },
    { text: 'Robins fly.', expect: 'allow' },
    { text: 'A Bluebird is a bird.', expect: 'allow' }
  )

  test('counts for each guard, and for all of them; what asks outside is skipped', async () => {
    const { out, code, err } = await evaluate(texts, '--json')
    assert.equal(code, 0, err)
    const { lines, rows, skipped, failed } = JSON.parse(out) as { rows: JsonObject[] } & JsonObject
    assert.deepEqual([lines, skipped, failed], [6, ['rubric'], {}])
    const marks = rows.map(({ of, name, right, wrong, missed, recall }) => [of, name, right, wrong, missed, recall])
    assert.deepEqual(marks, [
      ['guard', 'personal', 1, 0, 1, 0.5],
      ['guard', 'names', 1, 1, 0, 1],
      ['all', 'all together', 2, 1, 1, 2 / 3]
    ])
    assert.ok(rows.slice(0, 2).every(({ p50Ms, p99Ms }) => Number(p50Ms) >= 0 && Number(p99Ms) >= Number(p50Ms)))
    const table = (await evaluate(texts)).out
    assert.match(table, /guard +personal +pii +1 +0 +1 +1\.000 +0\.500 +0\.556 +[\d.]+ +[\d.]+\n/)
    assert.match(table, /skipped: rubric asks outside/)
  })

  test('counts rules where lines name them', async () => {
    const { out } = await evaluate(
      linesOf(
        { text: `Bluebird writes to ${ANN}`, rules: ['pii.email'] },
        { text: 'Her address is ann at example dot com', rules: ['pii.email'] },
        { text: 'hello', rules: [] }
      ),
      '--json'
    )
    const { rows } = JSON.parse(out) as { rows: JsonObject[] }
    assert.deepEqual(
      rows.map(({ of, name, right, wrong, missed }) => [of, name, right, wrong, missed]),
      [
        ['guard', 'personal', 1, 0, 1],
        ['guard', 'names', 0, 1, 0],
        ['rule', 'pii.email', 1, 0, 1],
        ['rule', 'words.codenames', 0, 1, 0],
        ['all', 'all together', 1, 0, 1]
      ]
    )
  })

  test('the exit code is 1 where it is worse than was asked for', async () => {
    const worse = await evaluate(texts, '--min-recall', '0.9', '--min-precision', '0.9')
    assert.equal(worse.code, 1)
    assert.match(worse.out, /all together/)
    assert.match(
      worse.err,
      /recall of personal is 0\.500.*precision of names is 0\.500.*recall of all together is 0\.667/
    )
    assert.doesNotMatch(worse.err, /precision of personal|recall of names/)
    const only = ['--guard', 'names', '--min-recall', '1', '--min-precision', '0.5']
    const named = linesOf({ text: 'Bluebird flies.', expect: 'block' }, { text: 'Robins fly.', expect: 'allow' })
    assert.equal((await evaluate(named, ...only)).code, 0)
    const harmless = linesOf({ text: 'Robins fly.', expect: 'allow' })
    assert.equal((await evaluate(harmless, '--min-precision', '1')).code, 0)
    assert.match((await evaluate(harmless, '--min-recall', '1')).err, /recall of all together is unknown/)
  })

  test('what is wrong is told with its line, and never with its text', async () => {
    const cases: [texts: string, argv: string[], said: RegExp, code: number][] = [
      [`{"text":"a","expect":"allow"}\n\n{"text": a-secret}`, [], /texts\.jsonl:3: is no JSON\n$/, 1],
      [linesOf({ text: 'a' }), [], /texts\.jsonl:1: say either "expect"/, 1],
      [linesOf({ text: 'a', expect: 'allow', rules: [] }), [], /texts\.jsonl:1: say either/, 1],
      [linesOf({ text: 5, expect: 'allow' }), [], /texts\.jsonl:1: "text": /, 1],
      [linesOf({ text: 'a', expect: 'allow', guard: 'nmaes' }), [], /no guard "nmaes"; there is names/, 1],
      ['\n', [], /has no lines/, 1],
      [texts, ['--guard', 'nobody'], /no guard "nobody"/, 1],
      [texts, ['--min-recall', '95'], /--min-recall takes a share/, 2],
      [texts, ['--min-recall', ''], /--min-recall takes a share/, 2]
    ]
    for (const [given, argv, said, code] of cases) {
      const ran = await evaluate(given, ...argv)
      assert.match(ran.err, said)
      assert.doesNotMatch(ran.err, /a-secret/)
      assert.deepEqual([ran.code, ran.out], [code, ''])
    }
    const without = file('without.yaml', 'providers: { openai: { keys: [sk-a-key-for-tests] } }\n')
    assert.match((await cli('eval', file('texts.jsonl', texts), '--config', without)).err, /has no guards/)
    assert.equal((await cli('eval')).code, 2)
  })
})

test('scores are shares of what was counted', () => {
  const count = fc.nat({ max: 1_000 })
  fc.assert(
    fc.property(count, count, count, (right, wrong, missed) => {
      const { precision, recall, f2 } = scoreOf({ right, wrong, missed })
      assert.equal(precision === null, right + wrong === 0)
      assert.equal(recall === null, right + missed === 0)
      for (const share of [precision, recall, f2]) assert.ok(share === null || (share >= 0 && share <= 1))
      if (precision === null || recall === null || right === 0) return
      assert.ok(Math.abs(f2! - (5 * precision * recall) / (4 * precision + recall)) < 1e-9)
    })
  )
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, of) => {
      const at = quantile(values, of)!
      assert.ok(values.filter(value => value <= at).length >= of * values.length - 1e-9)
      assert.ok(values.filter(value => value < at).length < of * values.length + 1e-9)
    })
  )
  assert.equal(quantile([], 0.5), null)
})
