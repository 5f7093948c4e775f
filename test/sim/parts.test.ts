import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { behaviourOf, isReasoningName, listedNames } from '../../src/sim/models.ts'
import { sampleOf } from '../../src/sim/sample.ts'
import { Sealer } from '../../src/sim/seal.ts'
import { countTokens, piecesOf, portionsOf } from '../../src/sim/tokens.ts'

test('pieces and portions lose nothing, and the count is the number of pieces', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (text, chunkChars) => {
      assert.equal(piecesOf(text).join(''), text)
      assert.equal(countTokens(text), piecesOf(text).length)
      assert.equal(portionsOf(text).join(''), text)
      assert.equal(portionsOf(text, chunkChars).join(''), text)
    })
  )
})

test('a seal holds for its text and place alone', () => {
  const [one, same, other] = [new Sealer(1), new Sealer(1), new Sealer(2)]
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, another) => {
      const place = { index: 1, count: 2 }
      const signature = one.sign(text, place)
      assert.deepEqual(same.checkSignature(signature, text), place)
      assert.equal(other.checkSignature(signature, text), 'altered')
      if (another !== text) assert.equal(one.checkSignature(signature, another), 'altered')
      assert.deepEqual(same.checkHidden(one.hide(text, place)), place)
      assert.equal(one.checkHidden(signature), 'foreign')
    })
  )
})

test('names are read with and without the prefix and the number', () => {
  assert.deepEqual(behaviourOf('sim/cut-after-12'), { id: 'cut-after', group: 'breaks', amount: 12 })
  assert.equal(behaviourOf('cut-after').id, 'assistant')
  assert.equal(behaviourOf('slow-first-token').amount, 12_000)
  assert.equal(behaviourOf('slow-first-token-5').amount, 5)
  assert.equal(behaviourOf('429-retry-after-7').amount, 7)
  assert.equal(behaviourOf('claude-opus-4-7').id, 'assistant')
  for (const name of listedNames()) {
    assert.ok(name === 'assistant' || behaviourOf(name).id !== 'assistant', name)
  }
  const reasoning = ['o1', 'o4-mini', 'gpt-5', 'sim/gpt-5.5', 'gpt-5-mini'].filter(name => !isReasoningName(name))
  assert.deepEqual(reasoning, [])
  assert.deepEqual(['gpt-4o', 'gpt-5-chat-latest', 'omni'].filter(isReasoningName), [])
})

test('samples fit their schemas', () => {
  const schema = {
    type: 'object',
    properties: {
      kind: { enum: ['b', 'a'] },
      count: { type: 'integer', minimum: 10 },
      share: { type: ['null', 'number'], maximum: 1 },
      when: { type: 'string', format: 'date' },
      tags: { type: 'array', items: { $ref: '#/$defs/tag' }, minItems: 2 },
      either: { anyOf: [{ type: 'null' }, { const: 5 }] },
      both: { allOf: [{ properties: { a: { type: 'boolean' } } }, { properties: { b: { type: 'null' } } }] },
      node: { $ref: '#/$defs/node' },
      word: { type: 'string', minLength: 30, maxLength: 30 }
    },
    $defs: {
      tag: { type: 'string', maxLength: 3 },
      node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } }
    }
  }
  const { node, tags, word, ...value } = sampleOf(schema) as Record<string, unknown>
  assert.deepEqual(value, {
    kind: 'b',
    count: 10,
    share: 1,
    when: '2026-01-02',
    either: 5,
    both: { a: true, b: null }
  })
  assert.ok(Array.isArray(tags) && tags.length === 2 && tags.every(tag => String(tag).length === 3))
  assert.equal(String(word).length, 30)
  assert.ok(JSON.stringify(node).length < 200, 'a recursive schema ends')
})
