import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../../src/errors.ts'
import { type Edit, isObject, type Json, JsonBody, type JsonObject } from '../../src/json.ts'
import { jsonObjects, spellings } from './spellings.ts'

const lax = { depthMax: 1000, once: new Set<string>() }
const scan = (text: string) => JsonBody.scan(Buffer.from(text), lax)

function edited(text: string, ...edits: [path: Edit['path'], value: Json | undefined][]): string {
  const body = scan(text)
  const result = body.edit(edits.map(([path, value]) => ({ path, value })))
  assert.equal(body.bytes.toString(), text, 'the original stays')
  assert.deepEqual(scan(result.bytes.toString()).object(), result.object(), 'the result is valid')
  return result.bytes.toString()
}

test('edit: what is not touched stays to the byte', () => {
  const text = '{ "model" : "a\\u0062",\n\t"n": 1.50e+3 , "x":{"y" : [ 1,2.0 ,3 ]} }'
  assert.equal(edited(text, [['model'], 'z']), text.replace('"a\\u0062"', '"z"'))
  assert.equal(edited(text, [['x', 'y', 1], null]), text.replace('2.0', 'null'))
  assert.equal(edited(text, [['x', 'y', 3], 4]), text.replace('3 ]', '3,4 ]'))
  assert.equal(edited(text, [['new'], true]), text.replace(']} }', ']},"new":true }'))
  assert.equal(edited(text, [['x', 'deep', 'er'], 1]), text.replace(']} }', '],"deep":{"er":1}} }'))
  assert.equal(edited(text, [['n'], undefined]), text.replace(',\n\t"n": 1.50e+3', ''))
  assert.equal(edited(text, [['model'], undefined]), text.replace(' "model" : "a\\u0062",', ''))
  assert.equal(edited(text, [['x'], undefined]), text.replace(' , "x":{"y" : [ 1,2.0 ,3 ]}', ''))
  assert.equal(edited(text, [['model'], undefined], [['n'], undefined], [['x'], undefined]), '{ }')
  assert.equal(edited(text, [['nope'], undefined], [['no', 'pe'], undefined]), text)
})

test('edit: empty, null and missing containers', () => {
  assert.equal(edited('{}', [['a'], 1], [['b'], 2]), '{"a":1,"b":2}')
  assert.equal(edited('{ }', [['a', 'b'], 1], [['a', 'c'], 2]), '{"a":{"b":1,"c":2} }')
  assert.equal(edited('{"o":null}', [['o', 'u'], true]), '{"o":{"u":true}}')
  assert.equal(edited('{"o":null}', [['o', 'u'], undefined]), '{"o":null}')
  assert.equal(edited('{"l":[]}', [['l', 0], 'x'], [['l', 1], 'y']), '{"l":["x","y"]}')
  assert.equal(edited('{}', [['l', 0, 'a'], 'x']), '{"l":[{"a":"x"}]}')
  assert.equal(edited('{"a":1}', [['__proto__', 'x'], 1]), '{"a":1,"__proto__":{"x":1}}')
})

test('edit: paths speak of the body before; a later edit of one place wins', () => {
  assert.equal(
    edited('{"l":[0,1,2,3]}', [['l', 0], undefined], [['l', 2], undefined], [['l', 3], 'x']),
    '{"l":[1,"x"]}'
  )
  assert.equal(edited('{"a":{"b":1}}', [['a', 'b'], 2], [['a'], { c: 3 }], [['a', 'd'], 4]), '{"a":{"c":3,"d":4}}')
  assert.equal(edited('{"a":{"b":1}}', [['a'], undefined], [['a', 'd'], 4]), '{"a":{"d":4}}')
})

test('edit: of a doubled name no copy escapes', () => {
  assert.equal(edited('{"a":1,"b":2,"a":3}', [['a'], 4]), '{"b":2,"a":4}')
  assert.equal(edited('{"a":1,"a":3}', [['a'], undefined]), '{}')
  assert.equal(edited('{"m":[{"t":"secret","t":"x"}]}', [['m', 0, 't'], '***']), '{"m":[{"t":"***"}]}')
})

test('edit: something else in the way is the client’s wrong type, with its path', () => {
  const wrong = (text: string, path: Edit['path'], param: string) =>
    assert.throws(
      () => scan(text).edit([{ path, value: 1 }]),
      (thrown: unknown) => thrown instanceof Failure && thrown.code === 'wrong_type' && thrown.param === param
    )
  wrong('{"stream_options":"yes"}', ['stream_options', 'include_usage'], 'stream_options')
  wrong('{"messages":[{"content":[]}]}', ['messages', 0, 'content', 'x'], 'messages[0].content')
  wrong('{"messages":{}}', ['messages', 0], 'messages')
  assert.throws(() => scan('{}').edit([{ path: [], value: 1 }]), RangeError)
  assert.throws(() => scan('{"a":[]}').edit([{ path: ['a', -1], value: 1 }]), RangeError)
})

const GONE = Symbol('removed')

/** The same edits on the parsed object, one after another; removed elements leave a mark until the end. */
function model(object: JsonObject, edits: readonly Edit[]): unknown {
  // biome-ignore lint/suspicious/noExplicitAny: a model of any JSON
  const root: any = structuredClone(object)
  for (const { path, value } of edits) {
    let holder = root
    let missing = false
    for (const [depth, name] of path.slice(0, -1).entries()) {
      const below = Object.hasOwn(holder, name) ? holder[name] : undefined
      if (below === undefined || below === null || below === GONE) {
        if (value === undefined) missing = true
        if (missing) break
        define(holder, name, typeof path[depth + 1] === 'number' ? [] : {})
      }
      holder = holder[name]
    }
    if (missing) continue
    const name = path.at(-1) as string | number
    if (value !== undefined) define(holder, name, structuredClone(value))
    else if (!Array.isArray(holder)) delete holder[name]
    else if ((name as number) < holder.length) holder[name as number] = GONE
  }
  return compact(root)
}

function define(holder: object, name: string | number, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
}

function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter(each => each !== GONE).map(compact)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, compact(member)]))
}

/** Places that edits may go to: every one there is, and new ones in every container. */
function places(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(value)) {
    const inside = value.flatMap((each, index) => places(each, [...path, index]))
    return [path, [...path, value.length], ...inside]
  }
  if (!isObject(value)) return [path]
  const inside = Object.entries(value).flatMap(([name, each]) => places(each as Json, [...path, name]))
  return [path, [...path, 'new'], [...path, 'newer', 'still'], ...inside]
}

const values = fc.oneof(
  fc.constant(undefined),
  fc.jsonValue({ maxDepth: 2 }).map(value => JSON.parse(JSON.stringify(value)) as Json)
)
const overlaps = (one: Edit['path'], other: Edit['path']) =>
  one.every((name, depth) => depth >= other.length || other[depth] === name)

test('edit is edit: on the bytes as on the parsed object, in every spelling', () => {
  const seeds = fc.array(fc.tuple(fc.nat(), values), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(jsonObjects, seeds, fc.constantFrom(...spellings), (object, picks, spell) => {
      const able = places(object).filter(path => path.length > 0)
      const edits: Edit[] = []
      for (const [pick, value] of picks) {
        const path = able[pick % able.length] as (string | number)[]
        if (edits.every(each => !overlaps(each.path, path))) edits.push({ path, value })
      }
      const result = scan(spell(object)).edit(edits)
      assert.deepEqual(scan(result.bytes.toString()).object(), model(object, edits))
      for (const name of Object.keys(result.object())) assert.deepEqual(result.get(name), result.object()[name])
    }),
    { numRuns: 3000 }
  )
})

test('edit: replacing any one member leaves all bytes around it alone', () => {
  fc.assert(
    fc.property(jsonObjects, fc.nat(), fc.constantFrom(...spellings), (object, pick, spell) => {
      const names = Object.keys(object)
      const name = names[pick % names.length]
      if (name === undefined) return
      const mark = 'the mark'
      // Spelled with the mark in its place, the text shows where the member's value is.
      const marked = spell(
        Object.fromEntries(Object.entries(object).map(([key, value]) => [key, key === name ? mark : (value ?? null)]))
      )
      const [before, after] = marked.split(spell(mark)) as [string, string]
      assert.equal(edited(spell(object), [[name], mark]), `${before}${JSON.stringify(mark)}${after}`)
    })
  )
})

test('from: an object becomes a body; absent members are left out', () => {
  const body = JsonBody.from({ a: 1, b: undefined, c: ['é'] })
  assert.equal(body.bytes.toString(), '{"a":1,"c":["é"]}')
  assert.deepEqual([body.has('b'), body.get('c')], [false, ['é']])
})
