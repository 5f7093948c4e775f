import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Names, resolveName, unknownModel } from '../../src/stages/resolve.ts'

/** The table of D11, with two providers configured, two without a key, and a small catalogue. */
const CATALOGUE: Record<string, string[]> = {
  'claude-opus-4-7': ['anthropic', 'hub'],
  'llama-3.3': ['groq', 'hub', 'lab'],
  'only-groq': ['groq'],
  'vendor/model': ['hub']
}

const names = (providers: string[], routes: string[] = ['smart']): Names => ({
  routes: new Map(routes.map(name => [name, { to: 'lab/any' }])),
  providers: new Set(providers),
  missing: new Map(
    [
      ['groq', 'has no key (set GROQ_API_KEY)'],
      ['anthropic', 'has no key (set ANTHROPIC_API_KEY)'],
      ['sim', 'is off (turn it on with "sim: true")']
    ].filter(([name]) => !providers.includes(name!)) as [string, string][]
  ),
  providersOf: model => CATALOGUE[model] ?? [],
  familyOwner: model => (model.startsWith('claude-') ? 'anthropic' : model.startsWith('gpt-') ? 'openai' : undefined),
  known: () => ['smart', 'claude-opus-4-7', 'anthropic/claude-opus-4-7', 'lab/llama-3.3']
})

const found = (name: string, known: Names, door?: string) => {
  const resolved = resolveName(name, known, door)
  if (!resolved) return undefined
  const { rule, target } = resolved
  return target ? `${rule}: ${target.provider} ${target.model}` : rule
}

test('D11: a route, then provider/rest, then the catalogue in the order of the configuration', () => {
  const known = names(['lab', 'hub', 'openai'], ['smart', 'lab/shadowed', 'gpt-5.5'])
  assert.equal(found('smart', known), 'route')
  assert.equal(found('lab/shadowed', known), 'route', 'a route wins over a provider')
  assert.equal(found('gpt-5.5', known), 'route', 'and over a family')
  assert.equal(found('lab/llama-3.3', known), 'provider/model: lab llama-3.3')
  assert.equal(found('lab/vendor/model:free', known), 'provider/model: lab vendor/model:free', 'the first slash counts')
  assert.equal(found('llama-3.3', known), 'catalogue: lab llama-3.3', 'lab is configured before hub')
  assert.equal(found('llama-3.3', names(['hub', 'lab'])), 'catalogue: hub llama-3.3')
  assert.equal(found('claude-opus-4-7', known), 'catalogue: hub claude-opus-4-7')
  assert.equal(found('vendor/model', known), 'catalogue: hub vendor/model', 'a slash may be part of a name')
})

test('D11: the owner of the family, and the provider of the door', () => {
  const known = names(['openai', 'lab'])
  assert.equal(found('gpt-99-new', known), 'family: openai gpt-99-new')
  assert.equal(found('claude-99', known, 'openai'), undefined, 'a family has one owner, and it is not here')
  assert.equal(found('own-model', known, 'openai'), 'door: openai own-model', 'models nobody knows still work')
  assert.equal(found('own/model', known, 'openai'), 'door: openai own/model')
  assert.equal(found('own-model', known, 'anthropic'), undefined, 'not where the provider of the door is not there')
  assert.equal(found('own-model', known), undefined)
})

test('D11: who names a provider that has no key means that one, and no other', () => {
  const known = names(['openai', 'lab'])
  for (const door of ['openai', undefined]) {
    assert.equal(found('groq/llama-3.3', known, door), undefined)
    assert.equal(found('anthropic/claude-opus-4-7', known, door), undefined)
    assert.equal(found('sim/echo', known, door), undefined)
  }
  assert.equal(found('/odd', known, 'openai'), 'door: openai /odd')
})

test('unknown model: the nearest reason, and near names', () => {
  const known = names(['lab'])
  const said = (name: string) => unknownModel(name, known).message
  assert.match(said('groq/any'), /"groq\/any": provider groq has no key \(set GROQ_API_KEY\)\./)
  assert.match(said('only-groq'), /provider groq has no key/)
  assert.match(said('claude-99'), /provider anthropic has no key \(set ANTHROPIC_API_KEY\)/)
  assert.match(said('sim/echo'), /provider sim is off/)
  assert.match(said('lba/llama-3.3'), /no provider is called "lba" here\. Did you mean "lab\/llama-3\.3"\?/)
  assert.match(said('smrat'), /it is no route.*Did you mean "smart"\?/)
  assert.doesNotMatch(said('entirely-different'), /Did you mean/)
  assert.deepEqual([unknownModel('x', known).status, unknownModel('x', known).param], [404, 'model'])
})
