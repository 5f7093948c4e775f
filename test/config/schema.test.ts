import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { configPage, PAGE_PATH } from '../../scripts/config-page.ts'
import { STARTER } from '../../src/cli/init.ts'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { load } from './load.ts'

const schema = configJsonSchema()

/** The faults of a value against the few words of JSON Schema that ours is written in. An unknown word is a fault too. */
function faults(value: Json | undefined, at: JsonObject, path = ''): string[] {
  const said: string[] = []
  const {
    type,
    properties = {},
    additionalProperties,
    required = [],
    items,
    anyOf,
    $ref,
    ...rest
  } = at as Record<string, never>
  if ($ref)
    said.push(
      ...faults(
        value,
        ((schema.$defs as JsonObject)[String($ref).slice('#/$defs/'.length)] ?? { not: 1 }) as JsonObject,
        path
      )
    )
  if (anyOf) {
    const branches = (anyOf as JsonObject[]).map(branch => faults(value, branch, path))
    if (!branches.some(branch => branch.length === 0))
      said.push(`${path}: no form fits (${branches.flat().join('; ')})`)
  }
  if (type && !(isType(value, type) || (type === 'number' && isType(value, 'integer'))))
    said.push(`${path}: not ${type}`)
  if (isObject(value)) {
    for (const name of required as string[]) if (!(name in value)) said.push(`${path}.${name}: missing`)
    for (const [name, member] of Object.entries(value)) {
      const below = (properties as JsonObject)[name] ?? additionalProperties
      if (below === false) said.push(`${path}.${name}: unknown`)
      else if (isObject(below)) said.push(...faults(member, below, `${path}.${name}`))
    }
  }
  if (Array.isArray(value) && isObject(items))
    for (const [i, item] of value.entries()) said.push(...faults(item, items, `${path}[${i}]`))
  for (const each of (rest.allOf ?? []) as JsonObject[]) said.push(...faults(value, each, path))
  if ('const' in rest && rest.const !== value) said.push(`${path}: not ${String(rest.const)}`)
  if (Array.isArray(rest.enum) && !(rest.enum as Json[]).includes(value as Json)) said.push(`${path}: not in the list`)
  if (typeof value === 'string' && rest.pattern && !new RegExp(rest.pattern, 'u').test(value))
    said.push(`${path}: pattern`)
  const known = [
    '$schema',
    '$defs',
    'title',
    'description',
    'default',
    'examples',
    'enum',
    'allOf',
    'const',
    'pattern',
    'propertyNames',
    'format'
  ]
  const bounds = [
    'minimum',
    'maximum',
    'exclusiveMinimum',
    'minLength',
    'minItems',
    'exclusiveMaximum',
    'maxLength',
    'maxItems'
  ]
  for (const word of Object.keys(rest))
    if (![...known, ...bounds].includes(word)) said.push(`${path}: unknown word ${word}`)
  return said
}

function isType(value: unknown, type: string): boolean {
  if (type === 'object') return isObject(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

/** Every schema of a setting, with its path. */
function* settings(at: JsonObject, path: string): Generator<[path: string, schema: JsonObject]> {
  for (const [name, member] of Object.entries((at.properties ?? {}) as Record<string, JsonObject>)) {
    yield [`${path}.${name}`, member]
    yield* settings(member, `${path}.${name}`)
  }
  for (const below of [at.additionalProperties, at.items, ...((at.anyOf ?? []) as Json[])]) {
    if (isObject(below)) yield* settings(below, path)
  }
}

const everySetting = [
  ...settings(schema, ''),
  ...Object.entries(schema.$defs as Record<string, JsonObject>).flatMap(([name, one]) => [...settings(one, name)])
]

/** The starter with every example taken in: what is commented out by a bare `#`. */
const unfolded = STARTER.replace(/^#(?! \S|$)/gm, '')

describe('the JSON Schema', () => {
  it('describes every setting', () => {
    assert.ok(everySetting.length > 50)
    const silent = everySetting.filter(([, one]) => typeof one.description !== 'string' || one.description.length < 8)
    assert.deepEqual(
      silent.map(([path]) => path),
      []
    )
  })

  it('names what it defines: no definition has a made-up name', () => {
    const names = Object.keys(schema.$defs as JsonObject)
    assert.deepEqual(
      names.filter(name => !/^[A-Z][A-Za-z]+$/.test(name)),
      []
    )
  })

  it('takes what the gateway takes', () => {
    for (const text of [STARTER, unfolded]) assert.deepEqual(faults(parse(text), schema), [])
    const text =
      'routes: { a: { to: { split: [{ weight: 1, to: { retry: openai/x, times: 3 } }] } } }\nlog: { level: debug }\nsim: true'
    load(text)
    assert.deepEqual(faults(parse(text), schema), [])
  })

  it('takes a reference wherever something else than a free text is wanted', () => {
    const text =
      'strict: "${A}"\nlisten: "${A}"\nauth: "${A}"\nsim: "${A}"\nlimits: { body: "${A}", depth: "${A:-3}" }\nlog: { level: "${file:/x}" }\ntimeouts: { idle: "${A}" }\nroutes: { a: { retry: openai/x, times: "${A}" } }'
    assert.deepEqual(faults(parse(text), schema), [])
  })

  it('refuses what the gateway refuses', () => {
    const bad = [
      'limts: {}',
      'limits: { body: 40 }',
      'strict: yes',
      'log: { level: wran }',
      'timeouts: { idle: 5x }',
      'listen: here',
      'routes: { a: { fallbak: [] } }',
      'keys: [{ name: a }]'
    ]
    for (const text of bad) {
      assert.notDeepEqual(faults(parse(text), schema), [], text)
      assert.throws(() => load(text), { name: 'ConfigProblems' }, text)
    }
  })
})

describe('the starter', () => {
  it('loads as it is, to the defaults', () => assert.equal(load(STARTER).digest, load('').digest))

  it('loads with every example taken in', () => {
    const { config } = load(unfolded, { env: { MY_APPLICATION_KEY: 'k', LAB_KEY: 'l' } })
    assert.deepEqual(Object.keys(config.routes), ['smart', 'half-and-half'])
    assert.deepEqual(Object.keys(config.providers), ['lab'])
    assert.equal(config.auth, 'keys')
    assert.equal(config.timeouts.totalMs, 600_000)
  })

  it('begins with the line that editors look for', () => {
    assert.match(STARTER, /^# yaml-language-server: \$schema=\.\/gatehouse\.schema\.json\n/)
  })
})

describe('docs/reference/config.md', () => {
  const page = readFileSync(PAGE_PATH, 'utf8')

  it('is what scripts/config-page.ts writes', () => assert.equal(page, configPage()))

  it('has every setting, and no other', () => {
    const inPage = new Set(
      [...page.matchAll(/^\| `([^`]+)` \||^## `([^`]+)`/gm)].map(match =>
        (match[1] ?? match[2])!.split('.').at(-1)!.replace('[]', '')
      )
    )
    const inSchema = new Set(everySetting.map(([path]) => path.split('.').at(-1)!))
    assert.deepEqual([...inPage].sort(), [...inSchema].sort())
  })
})
