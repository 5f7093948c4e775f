// biome-ignore-all lint/suspicious/noThenProperty: the word of the configuration; nobody awaits a route.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../../src/errors.ts'
import { type DataTerms, type Demands, readDemands, unfulfilled } from '../../src/residency.ts'
import type { Facts, Found, Step } from '../../src/routing/facts.ts'
import { readRequire } from '../../src/routing/per-call.ts'
import { planWith } from '../../src/routing/plan.ts'
import { leftOut } from '../../src/routing/reasons.ts'
import { ATTEMPTS_MAX, type Route } from '../../src/routing/route.ts'
import { ROUTE_KINDS } from '../../src/routing/schema.ts'
import { load, problemsOf } from '../config/load.ts'
import { facts, fail } from './support.ts'

// ---- trees, terms and demands by chance --------------------------------------------------------------------------

const PROVIDERS = ['a', 'b', 'c', 'd']

const demands: fc.Arbitrary<Demands> = fc.record(
  {
    region: fc.uniqueArray(fc.constantFrom('eu', 'de', 'us'), { minLength: 1, maxLength: 2 }),
    zero_retention: fc.constant(true as const),
    no_training: fc.constant(true as const)
  },
  { requiredKeys: [] }
)

const terms: fc.Arbitrary<DataTerms | undefined> = fc.option(
  fc.record({
    region: fc.constantFrom<DataTerms['region'][]>('unknown', ['eu'], ['eu', 'de'], ['us']),
    retention_days: fc.constantFrom<DataTerms['retention_days'][]>('unknown', 0, 0, 30),
    trains: fc.constantFrom<DataTerms['trains'][]>('unknown', false, false, true)
  }),
  { nil: undefined }
)

/** A route in which further names with demands of their own stand where routes do. */
type Tree =
  | { provider: string }
  | { name: Tree; require: Demands | undefined }
  | { fallback: Tree[] }
  | { retry: Tree }
  | { split: Tree[] }
  | { when: Tree; else: Tree }
  | { best: Tree[] }
  | { hedge: Tree; with: Tree }

const { tree: anyTree } = fc.letrec<{ tree: Tree; trees: Tree[] }>(tie => ({
  trees: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.record({ provider: fc.constantFrom(...PROVIDERS) }),
    fc.record({ name: tie('tree'), require: fc.option(demands, { nil: undefined }) }),
    fc.record({ fallback: tie('trees') }),
    fc.record({ retry: tie('tree') }),
    fc.record({ split: tie('trees') }),
    fc.record({ when: tie('tree'), else: tie('tree') }),
    fc.record({ best: tie('trees') }),
    fc.record({ hedge: tie('tree'), with: tie('tree') })
  )
}))

type Named = Map<string, { route: Route; require: Demands | undefined }>

/** The tree as a route. The model of a target names the routes on the way to it, so that each step says how it was come by. */
function routeOf(tree: Tree, way: readonly string[], named: Named): Route {
  const go = (below: Tree) => routeOf(below, way, named)
  if ('provider' in tree) return `${tree.provider}/${way.join('.')}`
  if ('name' in tree) {
    const name = `n${named.size}`
    named.set(name, { route: 'a/later', require: tree.require })
    named.set(name, { route: routeOf(tree.name, [...way, name], named), require: tree.require })
    return named.size % 2 ? name : { use: name }
  }
  if ('fallback' in tree) return { fallback: tree.fallback.map(go), on: ROUTE_KINDS }
  if ('retry' in tree) return { retry: go(tree.retry), times: 2 }
  if ('split' in tree) return { split: tree.split.map(to => ({ weight: 1, to: go(to) })) }
  if ('when' in tree) return { when: [{ if: { key: 'x' }, then: go(tree.when) }], else: go(tree.else) }
  if ('best' in tree) return { best: 'idle', of: tree.best.map(go) }
  return { hedge: go(tree.hedge), with: go(tree.with), after: 5 }
}

const world = fc.record({
  tree: anyTree,
  terms: fc.tuple(terms, terms, terms, terms),
  ofCall: fc.array(demands, { maxLength: 2 }),
  failing: fc.array(fc.constantFrom(...ROUTE_KINDS), { minLength: 1, maxLength: 4 }),
  races: fc.boolean(),
  chance: fc.double({ min: 0, max: 0.999, noNaN: true })
})
type World = typeof world extends fc.Arbitrary<infer Value> ? Value : never

/** Walks the whole plan, races included. */
function walked(of: World, more: Partial<Facts> = {}) {
  const named: Named = new Map()
  const route = routeOf(of.tree, ['root'], named)
  const lookup = (name: string): Found => {
    const [provider, model] = name.split('/') as [string, string]
    return named.get(name) ?? { target: { provider, model } }
  }
  const known = facts({ says: { key: 'x' }, random: () => of.chance, lookup, ...more })
  const { steps, shared } = planWith(route, known)
  const taken: Step['target'][] = []
  let made = 0
  for (let next = steps.next(); !next.done; made++) {
    taken.push(next.value.target)
    const second = of.races ? next.value.hedge?.begin() : undefined
    if (second) taken.push(second.target)
    next = steps.next(fail(of.failing[made % of.failing.length]!))
    assert.ok(made < ATTEMPTS_MAX)
  }
  const left = leftOut(shared.passed, shared.triedNames)
  /** Everything demanded on the way to a target. */
  const demandedOf = (model: string) => [
    ...of.ofCall,
    ...model.split('.').flatMap(name => named.get(name)?.require ?? [])
  ]
  const termsOf = (provider: string) => of.terms[PROVIDERS.indexOf(provider)]
  return { taken, left, demandedOf, termsOf }
}

/** Said once more, in other words than the code. */
function keepsTo(said: DataTerms | undefined, all: readonly Demands[]): boolean {
  const places: readonly string[] = said === undefined || said.region === 'unknown' ? [] : said.region
  const isThere = all.every(({ region }) => !region || region.filter(word => places.includes(word)).length > 0)
  const keepsNothing = !all.some(each => each.zero_retention) || said?.retention_days === 0
  return isThere && keepsNothing && (!all.some(each => each.no_training) || said?.trains === false)
}

describe('whatever the tree, whatever fails and whatever races', () => {
  test('no step goes to a provider that does not fulfil all that is demanded on the way', () => {
    let refused = 0
    let allowed = 0
    const walkOne = (of: World) => {
      const termsIn = (provider: string) => of.terms[PROVIDERS.indexOf(provider)]
      const { taken, left, demandedOf } = walked(of, { terms: termsIn, demands: of.ofCall })
      for (const { provider, model } of taken) {
        assert.ok(keepsTo(termsIn(provider), demandedOf(model)), `${provider}/${model}`)
        if (demandedOf(model).length > 0) allowed++
      }
      for (const { target, excludedBy } of left) {
        if (!['region', 'zero_retention', 'no_training'].includes(excludedBy)) continue
        const [provider, model] = target.split('/') as [string, string]
        assert.ok(!keepsTo(termsIn(provider), demandedOf(model)), `${target} was left out for nothing`)
        refused++
      }
    }
    fc.assert(fc.property(world, walkOne), { numRuns: 2_000 })
    assert.ok(refused > 100 && allowed > 100, `${refused} refused, ${allowed} allowed`)
  })

  test('who fulfils every demand is asked as if there were none', () => {
    const all: DataTerms = { region: ['eu', 'de', 'us'], retention_days: 0, trains: false }
    const sameAsFree = (of: World) => {
      const free = walked({ ...of, ofCall: [] }, { terms: () => all })
      const held = walked(of, { terms: () => all, demands: of.ofCall })
      assert.deepEqual(held.taken, free.taken)
    }
    fc.assert(fc.property(world, sameAsFree), { numRuns: 300 })
  })

  test('of whom nothing is known, nobody is asked once anything is demanded', () => {
    const nobody = (of: World) => {
      const { taken } = walked(of, { demands: [...of.ofCall, { no_training: true }] })
      assert.deepEqual(taken, [])
    }
    fc.assert(fc.property(world, nobody), { numRuns: 300 })
  })
})

// ---- what is written ---------------------------------------------------------------------------------------------

describe('demands', () => {
  test('each is told apart, in a fixed order; unknown fulfils none', () => {
    const german: DataTerms = { region: ['eu', 'de'], retention_days: 0, trains: false }
    assert.equal(unfulfilled([{ region: ['eu'] }, { region: ['ch', 'de'], zero_retention: true }], german), undefined)
    assert.equal(unfulfilled([{ region: ['eu'] }, { region: ['us'] }], german), 'region')
    assert.equal(unfulfilled([{ zero_retention: true }], { ...german, retention_days: 1 }), 'zero_retention')
    assert.equal(unfulfilled([{ no_training: true }], { ...german, trains: true }), 'no_training')
    const unknown: DataTerms = { region: 'unknown', retention_days: 'unknown', trains: 'unknown' }
    for (const said of [unknown, undefined]) {
      assert.equal(unfulfilled([{ region: ['unknown'] }], said), 'region')
      assert.equal(unfulfilled([{ zero_retention: true }], said), 'zero_retention')
      assert.equal(unfulfilled([{ no_training: true }], said), 'no_training')
      assert.equal(unfulfilled([{}], said), undefined)
    }
  })

  const texts: [string, Demands[] | undefined][] = [
    ['region=eu', [{ region: ['eu'] }]],
    [
      ' Region = EU | ch ;zero-retention; no-training;',
      [{ region: ['eu', 'ch'] }, { zero_retention: true }, { no_training: true }]
    ],
    // Two headers of one name arrive so: both count.
    ['region=eu, region=de', [{ region: ['eu'] }, { region: ['de'] }]],
    // A list with commas would be read as one with a demand less, or more, than was meant.
    ['region=eu,ch', undefined],
    ['region=', undefined],
    ['region=eu=de', undefined],
    ['region', undefined],
    ['zero-retention=true', undefined],
    ['zero_retention', undefined],
    ['no-trainning', undefined],
    ['', undefined],
    [' ; ', undefined]
  ]
  for (const [text, read] of texts) {
    test(`"${text}" is ${read ? 'read' : 'refused'}`, () => {
      assert.deepEqual(readDemands(text), read)
      const header = () => readRequire({ 'x-gatehouse-require': text })
      if (read) assert.deepEqual(header(), read)
      else assert.throws(header, (thrown: unknown) => thrown instanceof Failure && thrown.code === 'invalid_header')
    })
  }

  test('without the header a call demands nothing', () => assert.deepEqual(readRequire({}), []))
})

const FILE = `
providers:
  here: { base_url: "https://here.example/v1", keys: [k], data: { region: [eu, de], retention_days: 0, trains: false } }
  plain: { base_url: "https://plain.example/v1", keys: [k] }
`

describe('a configuration', () => {
  test('says of a provider what it knows, and the rest is unknown', () => {
    const { config } = load(
      `${FILE}  half: { base_url: "https://half.example/v1", keys: [k], data: { trains: true } }\n`
    )
    assert.deepEqual(config.providers.half!.data, { region: 'unknown', retention_days: 'unknown', trains: true })
    assert.equal(config.providers.plain!.data, undefined)
  })

  const good = {
    'one target of several': 'routes: { r: { to: { fallback: [plain/m, here/m] }, require: { region: [eu] } } }',
    'by another route':
      'routes: { r: { to: far, require: { region: [de] } }, far: { to: here/m, require: { no_training: true } } }',
    'a wildcard': 'routes: { "x-*": { to: "here/*", require: { region: [eu] } } }',
    'no demand at all': 'routes: { r: plain/m }',
    'a key and a team':
      'keys: [{ name: k, key: secret-k, team: t, require: { region: [eu] } }]\nteams: [{ id: t, require: { no_training: true } }]'
  }
  for (const [what, yaml] of Object.entries(good)) {
    test(`is taken: ${what}`, () => assert.deepEqual(problemsOf(`${FILE}${yaml}\n`), []))
  }

  const path = (problem: string) => problem.split(' ')[1]?.replace(/:$/, '')
  const bad: Record<string, [string, string]> = {
    'a route whose target is not known to': [
      'routes: { r: { to: plain/m, require: { region: [eu] } } }',
      'routes.r.require'
    ],
    'a route whose target is elsewhere': [
      'routes: { r: { to: here/m, require: { region: [us] } } }',
      'routes.r.require'
    ],
    'a route under the demand of the gateway': ['require: { region: [eu] }\nroutes: { r: plain/m }', 'routes.r'],
    'a model whose holders say nothing': [
      'routes: { r: { to: gpt-5.5, require: { zero_retention: true } } }',
      'routes.r.require'
    ],
    'two routes that contradict each other': [
      'routes: { r: { to: far, require: { zero_retention: true } }, far: { to: { fallback: [plain/m] } } }',
      'routes.r.require'
    ],
    'a gateway that nobody is good enough for': ['require: { region: [us] }', 'require'],
    'a key that nobody is good enough for': [
      'keys: [{ name: k, key: secret-k, require: { region: [us] } }]',
      'keys[0].require'
    ],
    'a demand that is taken back': ['require: { zero_retention: false }', 'require.zero_retention'],
    'a word that is none': ['require: { region: [EU] }', 'require.region[0]']
  }
  for (const [what, [yaml, where]] of Object.entries(bad)) {
    test(`is refused: ${what}`, () => assert.deepEqual(problemsOf(`${FILE}${yaml}\n`).map(path), [where]))
  }
})
