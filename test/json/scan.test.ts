import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../../src/errors.ts'
import { isObject, JsonBody, type ScanLimits } from '../../src/json.ts'
import { jsonObjects, spellings } from './spellings.ts'

const limits: ScanLimits = { depthMax: 64, once: new Set(['model', 'messages']) }
const lax: ScanLimits = { depthMax: 1000, once: new Set() }

function failure(text: string | Buffer, scanLimits = limits): Failure {
  try {
    JsonBody.scan(Buffer.from(text as string), scanLimits)
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, String(thrown))
    return thrown
  }
  assert.fail(`accepted: ${text}`)
}

function parses(text: string): boolean {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}

function accepts(bytes: Buffer): boolean {
  try {
    JsonBody.scan(bytes, lax)
    return true
  } catch (thrown) {
    assert.ok(thrown instanceof Failure && thrown.code === 'invalid_json', String(thrown))
    return false
  }
}

const soup = fc
  .array(
    fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        '"',
        '\\',
        '"a"',
        '{"a":',
        'true',
        'null',
        'fals',
        '0',
        '1',
        '-',
        '.',
        'e',
        '+'
      ],
      ...[
        '\\u00',
        '\\ud800',
        '\\n',
        ' ',
        '\n',
        '\t',
        '\u0000',
        '\u001f',
        '\u007f',
        'é',
        '🦊',
        '\ufeff',
        '/',
        "'",
        'NaN'
      ]
    ),
    { maxLength: 12 }
  )
  .map(parts => parts.join(''))

test('scan accepts exactly the objects that JSON.parse accepts: token soup', () => {
  fc.assert(
    fc.property(soup, fc.boolean(), (inner, wrap) => {
      const text = wrap ? `{"x":${inner}}` : inner
      assert.equal(accepts(Buffer.from(text)), parses(text), text)
    }),
    { numRuns: 5000 }
  )
})

test('scan accepts exactly the objects that JSON.parse accepts: valid JSON with one wound', () => {
  const wounds = fc.record({ at: fc.nat(), drop: fc.nat({ max: 2 }), insert: soup })
  fc.assert(
    fc.property(jsonObjects, fc.constantFrom(...spellings), wounds, (value, spell, { at, drop, insert }) => {
      const text = spell(value)
      const place = at % (text.length + 1)
      const wounded = (text.slice(0, place) + insert + text.slice(place + drop)).toWellFormed()
      assert.equal(accepts(Buffer.from(text)), true, text)
      assert.equal(accepts(Buffer.from(wounded)), parses(wounded), wounded)
    }),
    { numRuns: 2000 }
  )
})

test('scan: every alignment and length of strings, with a stop at every place', () => {
  for (let offset = 0; offset < 5; offset++) {
    for (let length = 0; length < 40; length++) {
      for (const stop of ['', '\\n', '\\"', '\\\\', '\n', '\u001f', 'é', '\u0080', '🦊']) {
        const text = `{"${'k'.repeat(offset)}":"${'x'.repeat(length)}${stop}${'y'.repeat(length % 7)}"}`
        const slab = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
        assert.equal(accepts(slab.subarray(offset)), parses(text), text)
      }
    }
  }
})

test('scan: five spellings of one object read the same', () => {
  fc.assert(
    fc.property(jsonObjects, value => {
      for (const spell of spellings) {
        const text = spell(value)
        const body = JsonBody.scan(Buffer.from(text), lax)
        assert.deepEqual(body.object(), value)
        for (const name of Object.keys(value)) assert.deepEqual(body.get(name), value[name], name)
        assert.equal(body.bytes.toString(), text)
      }
    }),
    { numRuns: 300 }
  )
})

const messages: [string, string][] = [
  ['', 'Invalid JSON at line 1, column 1: expected a JSON object, found the end of the body.'],
  ['[1]', 'Invalid JSON at line 1, column 1: expected a JSON object, found "[".'],
  ['{"a": 1,\n "b": nope}', 'Invalid JSON at line 2, column 8: expected null, found "o".'],
  ['{"a": 1,\n "é": }', 'Invalid JSON at line 2, column 7: expected a value, found "}".'],
  ['{"a": 1,}', 'Invalid JSON at line 1, column 9: expected a name in double quotes, found "}".'],
  ['{"a" 1}', 'Invalid JSON at line 1, column 6: expected ":", found "1".'],
  ['{"a": [1 2]}', 'Invalid JSON at line 1, column 10: expected "," or "]", found "2".'],
  ['{"a": 01}', 'Invalid JSON at line 1, column 8: expected no digit after a leading zero, found "1".'],
  ['{"a": -}', 'Invalid JSON at line 1, column 8: expected a digit, found "}".'],
  ['{"a": "x', 'Invalid JSON at line 1, column 9: expected the end of the string, found the end of the body.'],
  ['{"a": "\n"}', 'Invalid JSON at line 1, column 8: expected an escape instead of a control character, found "\\n".'],
  ['{"a": "\\x"}', 'Invalid JSON at line 1, column 9: expected one of "\\/bfnrtu after the backslash, found "x".'],
  ['{"a": "\\u12g4"}', 'Invalid JSON at line 1, column 12: expected four hexadecimal digits, found "g".'],
  ['{} x', 'Invalid JSON at line 1, column 4: expected nothing after the object, found "x".'],
  ['\ufeff{}', 'Invalid JSON at line 1, column 1: expected a JSON object, found "\ufeff".'],
  ["{'a': 1}", 'Invalid JSON at line 1, column 2: expected a name in double quotes, found "\'".']
]

test('scan: messages say where, what was expected and what is there', () => {
  for (const [text, message] of messages) {
    assert.equal(failure(text).message, message)
    assert.equal(failure(text).code, 'invalid_json')
    assert.equal(failure(text).status, 400)
  }
})

test('scan: bytes that are not UTF-8 are found at their place', () => {
  const wrong = [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]]
  for (const bytes of wrong) {
    for (const before of ['', 'é', 'x'.repeat(100), '🦊'.repeat(50)]) {
      const text = Buffer.concat([Buffer.from(`{"a":"${before}`), Buffer.from(bytes), Buffer.from('"}')])
      const column = 7 + [...before].length
      const found = failure(text).message
      assert.match(found, new RegExp(`line 1, column ${column}: expected valid UTF-8, found byte 0x`))
    }
  }
})

test('scan: depth', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`
  assert.ok(JsonBody.scan(Buffer.from(nested(64)), limits))
  assert.equal(failure(nested(65)).code, 'json_too_deep')
  assert.equal(failure(`{"a":${'['.repeat(1_000_000)}`).code, 'json_too_deep')
})

test('scan: a deciding name twice is refused, however it is spelled; below the top and other names are not', () => {
  for (const text of ['{"model":1,"model":1}', '{"model":1,"a":{},"mod\\u0065l":2}', '{"\\u006dodel":1, "model":2}']) {
    assert.equal(failure(text).code, 'duplicate_key')
    assert.equal(failure(text).param, 'model')
  }
  const body = JsonBody.scan(Buffer.from('{"x":1,"model":{"model":1,"model":2},"x":2,"Model":3}'), limits)
  assert.equal(body.get('x'), 2)
})

test('scan: an index of millions of members is refused', () => {
  const many = (count: number) => `{${Array.from({ length: count }, (_, index) => `"${index}":0`).join(',')}}`
  assert.ok(JsonBody.scan(Buffer.from(many(10_000)), limits))
  assert.equal(failure(many(10_001)).code, 'invalid_json')
})

test('members are parsed one by one; absent ones are undefined; names of Object.prototype are nothing special', () => {
  const body = JsonBody.scan(Buffer.from('{"a":{"b":[1]},"n":null,"__proto__":{"x":1}}'), limits)
  assert.deepEqual(body.get('a'), { b: [1] })
  assert.equal(body.get('a'), body.get('a'), 'cached')
  assert.equal(body.get('n'), null)
  assert.deepEqual([body.has('n'), body.has('zzz'), body.has('toString')], [true, false, false])
  assert.equal(body.get('toString'), undefined)
  assert.deepEqual(body.get('__proto__'), { x: 1 })
  const copy = body.copy()
  copy.a = 1
  assert.notDeepEqual(body.object(), copy)
  assert.equal(body.object(), body.object())
})

test('scan: 40 MB with a picture in it take neither seconds nor copies', () => {
  const picture = 'QUJD'.repeat(10_000_000)
  const bytes = Buffer.from(`{"model":"x","messages":[{"role":"user","content":"${picture}"}]}`)
  const before = process.memoryUsage()
  const started = performance.now()
  const body = JsonBody.scan(bytes, limits)
  assert.ok(performance.now() - started < 1500)
  const after = process.memoryUsage()
  assert.ok(after.heapUsed + after.external - before.heapUsed - before.external < 4e6)
  assert.equal(body.get('model'), 'x')
})

test('what a scan knows of the strings never hides one that is there', () => {
  const marks = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.boolean())
  fc.assert(
    fc.property(
      jsonObjects,
      fc.constantFrom(...spellings),
      fc.array(marks, { maxLength: 4 }),
      (object, spell, made) => {
        const bytes = Buffer.from(spell(object))
        const [scanned, read] = [JsonBody.scan(bytes, lax), JsonBody.of(bytes)]
        const strings = [...bytes.toString().matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text!)
        for (const text of strings) assert.ok(scanned.holds([`"${text}"`]), text)
        for (const text of strings) assert.ok(scanned.holds([`"${[...text].slice(0, 3).join('')}`]), text)
        for (const [text, isWhole] of made) {
          const mark = isWhole ? `"${text}"` : `"${text}`
          // One that begins elsewhere than at the quote of a string is none, so a scan may know better than a search.
          if (scanned.holds([mark])) assert.ok(read.holds([mark]), mark)
        }
        assert.ok(scanned.mayHaveCodes || !bytes.includes('\\u'))
      }
    )
  )
})
