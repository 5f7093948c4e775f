import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { formatProblem } from '../../src/config/index.ts'
import { REASONS } from '../../src/routing/reasons.ts'
import { load, problemsOf } from '../config/load.ts'

/** One route `r` of this text; `my.yaml:LINE:COLUMN routes.r` is taken off what is said. */
const faults = (route: string) => problemsOf(`sim: true\nroutes:\n  r: ${route}\n`).map(short)
const warnings = (route: string) => load(`sim: true\nroutes:\n  r: ${route}\n`).warnings.map(formatProblem).map(short)
const short = (text: string) => text.replace(/^my\.yaml:\d+:\d+ routes\.r\.?/, '')

describe('a route that is loaded', () => {
  const refused: [string, RegExp][] = [
    ['{ best: fast, of: [sim/a] }', /^best: expected one of/],
    ['{ best: idle, of: [] }', /^of: an empty choice leads nowhere/],
    ['{ when: [], else: sim/a }', /^when: an empty when leads nowhere/],
    ['{ when: [{ if: { metdata.x: 1 }, then: sim/a }], else: sim/a }', /no such fact.*did you mean "metadata.x"/],
    ['{ when: [{ if: { key: { is: 1 } }, then: sim/a }], else: sim/a }', /key\.is: unknown key/],
    ['{ when: [{ if: { key: {} }, then: sim/a }], else: sim/a }', /says nothing/],
    ['{ when: [{ if: { key: { matches: "(a)\\\\1" } }, then: sim/a }], else: sim/a }', /cannot be used as a pattern/],
    ['{ when: [{ if: { time: { gt: 9 } }, then: sim/a }], else: sim/a }', /a time of day in quotes/],
    ['{ when: [{ if: { weekday: monday }, then: sim/a }], else: sim/a }', /one of mon, tue/],
    ['{ when: [{ if: { time: { gt: "09:00", zone: Mars } }, then: sim/a }], else: sim/a }', /no time zone/],
    ['{ when: [{ if: { key: { eq: a, zone: UTC } }, then: sim/a }], else: sim/a }', /only time and weekday/],
    [
      '{ when: [{ if: {}, then: sim/a }, { if: { key: a }, then: sim/b }], else: sim/c }',
      /^when\[1\]\.if: is never looked at: when\[0\] always/
    ],
    ['{ when: [{ if: { key: a }, then: sim/a }, { if: { key: a }, then: sim/b }], else: sim/c }', /says the same/],
    ['{ when: [{ if: { any: [] }, then: sim/a }], else: sim/c }', /can never hold/],
    ['{ when: [{ if: { estimated_tokens: { gt: 9, lt: 3 } }, then: sim/a }], else: sim/c }', /can never hold/],
    ['{ hedge: sim/a, with: sim/b, after: soon }', /^after: /],
    ['{ hedge: sim/a, with: nowhere/b, after: 1s }', /^with: no provider has the name/],
    ['{ hedge: sim/a, after: 1s }', /^with: expected a route/],
    ['sim/*', /stands for that in the name of the route/],
    ['{ best: idle, of: [r, sim/a] }', /leads back to itself: r → r/],
    ['{ retry: { best: idle, of: [sim/a, sim/b, sim/c, sim/d] }, times: 5 }', /could make 24 attempts/],
    [`${'{ best: idle, of: ['.repeat(9)}sim/a${'] }'.repeat(9)}`, /nests 10 deep/]
  ]
  for (const [route, says] of refused) {
    test(`${route.slice(0, 90)} is refused`, () => {
      const said = faults(route)
      assert.ok(
        said.some(each => says.test(each)),
        JSON.stringify(said)
      )
    })
  }

  const warned: [string, RegExp][] = [
    ['{ split: [{ weight: 0, to: sim/a }, { weight: 1, to: sim/b }] }', /^split\[0\]\.weight: is 0: no call/],
    ['{ fallback: [sim/a, sim/b, sim/a] }', /^fallback\[2\]: was tried before/],
    ['{ when: [{ if: {}, then: sim/a }], else: sim/b }', /^when\[0\]\.if: always holds/]
  ]
  for (const [route, says] of warned)
    test(`${route} has a word said`, () => assert.match(warnings(route).join('\n'), says))

  test('names with a star: one of them, and no way back', () => {
    const wild = (name: string, to: string) => problemsOf(`sim: true\nroutes: { "${name}": ${to} }\n`)
    assert.deepEqual(wild('a-*', '{ fallback: [sim/*, "sim/x-*"] }'), [])
    assert.match(wild('a*b*', 'sim/x').join(), /at most one "\*"/)
    assert.match(wild('a-*', 'a-b').join(), /leads back to itself/)
    assert.match(wild('a-*', '"a-x*"').join(), /leads back to itself/)
  })
})

test('the guide lists every reason for which a target is left out', () => {
  const guide = readFileSync(new URL('../../docs/guide/routes.md', import.meta.url), 'utf8')
  const rows = Object.entries(REASONS).map(([name, why]) => `| \`${name}\` | ${why} |`)
  assert.equal(guide.slice(guide.indexOf('| `unknown_target`')).trim(), rows.join('\n'))
})

test('the configuration that the guide shows can be loaded', () => {
  const guide = readFileSync(new URL('../../docs/guide/routes.md', import.meta.url), 'utf8')
  const yaml = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''
  const loaded = load(yaml)
  assert.equal(Object.keys(loaded.config.routes).length, 7)
})
