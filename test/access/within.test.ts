import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isInRanges, isMappedRange, rangeCovers, readRange } from '../../src/access/addresses.ts'
import {
  allowsAddress,
  allowsDoor,
  allowsModel,
  allowsProvider,
  type Caller,
  knownKey,
  OPEN_CALLER
} from '../../src/access/caller.ts'
import { matchesAny, patternsCover } from '../../src/access/patterns.ts'
import { checkWithin } from '../../src/access/within.ts'
import { Failure } from '../../src/errors.ts'
import type { KeyRow, KeyScopes } from '../../src/stores/rows.ts'

/** Few letters, so that what is drawn meets. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 6 })
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), minLength: 1, maxLength: 5 })
const octet = fc.constantFrom(0, 1, 127, 128, 255)
const address = fc.oneof(
  fc.tuple(octet, octet, octet, octet).map(octets => octets.join('.')),
  fc.tuple(octet, octet).map(([high, low]) => `2001:db8:${high.toString(16)}::${low.toString(16)}`)
)
const range = fc
  .tuple(address, fc.constantFrom(0, 1, 7, 8, 9, 24, 31, 32), fc.boolean())
  .map(([base, bits, isWhole]) => (isWhole ? base : `${base}/${bits}`))
const doors = fc.subarray(['chat', 'messages', 'models'])
const scopes: fc.Arbitrary<KeyScopes> = fc.record(
  {
    models: fc.array(pattern, { maxLength: 3 }),
    providers: fc.array(pattern, { maxLength: 3 }),
    doors,
    addresses: fc.array(range, { maxLength: 3 })
  },
  { requiredKeys: [] }
)
const request = fc.record({
  models: fc.array(text, { minLength: 1, maxLength: 2 }),
  provider: text,
  door: fc.constantFrom('chat', 'messages', 'models'),
  address
})

function row(id: string, scopes: KeyScopes, more: Partial<KeyRow> = {}): KeyRow {
  const none = { parent: null, org: null, team: null, user: null, expiresAtMs: null, lastUsedAtMs: null }
  return { id, name: id, scopes, tags: [], metadata: {}, disabled: false, createdAtMs: 0, ...none, ...more }
}

type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never

function allowed(caller: Caller, { models, provider, door, address }: Request): boolean[] {
  return [
    allowsModel(caller, models),
    allowsProvider(caller, provider),
    allowsDoor(caller, door),
    allowsAddress(caller, address)
  ]
}

function isWithin(inner: KeyScopes, outer: KeyScopes): boolean {
  try {
    checkWithin(inner, null, [row('parent', outer)])
    return true
  } catch (thrown) {
    assert.ok(thrown instanceof Failure && thrown.code === 'not_allowed')
    return false
  }
}

test('what a child may be written with, its parent allows too', () => {
  let written = 0
  fc.assert(
    fc.property(scopes, scopes, fc.array(request, { minLength: 5, maxLength: 20 }), (inner, outer, requests) => {
      if (!isWithin(inner, outer)) return
      written++
      const parent = allowances(outer)
      const child = allowances(inner)
      for (const asked of requests) {
        for (const [index, is] of allowed(child, asked).entries()) {
          // A list that the child does not have is its parent's, and is held to it at use.
          const name = (['models', 'providers', 'doors', 'addresses'] as const)[index]!
          if (is && inner[name] !== undefined) assert.ok(allowed(parent, asked)[index], name)
        }
      }
    }),
    { numRuns: 3_000 }
  )
  assert.ok(written > 100, `only ${written} children could be written`)
})

test('in use a child is never allowed what a key above it is not, whatever was written meanwhile', () => {
  fc.assert(
    fc.property(fc.array(scopes, { minLength: 2, maxLength: 4 }), request, (chain, asked) => {
      const rows = chain.map((scopes, index) => row(String(index), scopes))
      for (const index of rows.keys()) {
        const above = knownKey(rows[index]!, rows.slice(index + 1)).caller
        const child = knownKey(rows[0]!, rows.slice(1)).caller
        for (const [which, is] of allowed(child, asked).entries()) if (is) assert.ok(allowed(above, asked)[which])
      }
    }),
    { numRuns: 2_000 }
  )
})

test('one pattern covers another exactly where it matches everything that one does', () => {
  fc.assert(
    fc.property(pattern, pattern, text, (outer, inner, text) => {
      const covers = patternsCover([outer], inner)
      if (covers && matchesAny([inner], text)) assert.ok(matchesAny([outer], text))
      // A letter that no pattern has stands for any text at all.
      if (!covers) assert.ok(!matchesAny([outer], inner.replaceAll('*', '#')))
    }),
    { numRuns: 5_000 }
  )
})

test('a pattern matches as the regular expression that it stands for', () => {
  fc.assert(
    fc.property(pattern, text, (pattern, text) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
      assert.equal(matchesAny([pattern], text), expression.test(text))
    }),
    { numRuns: 5_000 }
  )
})

test('a range covers another exactly where all its addresses are in it', () => {
  fc.assert(
    fc.property(range, range, address, (outer, inner, address) => {
      const covers = rangeCovers(outer, inner)
      const isSameFamily = outer.includes(':') === address.includes(':')
      if (covers && isSameFamily && isInRanges([inner], address)) assert.ok(isInRanges([outer], address))
      if (!isInRanges([outer], inner.split('/')[0]!)) assert.ok(!covers)
    }),
    { numRuns: 3_000 }
  )
  assert.ok(rangeCovers('10.0.0.0/8', '10.1.0.0/16') && !rangeCovers('10.1.0.0/16', '10.0.0.0/8'))
  assert.ok(rangeCovers('2001:db8::/32', '2001:db8:1::/48') && !rangeCovers('0.0.0.0/0', '2001:db8::/32'))
})

test('addresses: one in the clothes of the other, a zone, and what is none', () => {
  assert.ok(isInRanges(['10.0.0.0/8'], '::ffff:10.1.2.3'))
  assert.ok(isInRanges(['10.0.0.0/8'], '0:0:0:0:0:ffff:0a01:0203'))
  assert.ok(isInRanges(['fe80::/10'], 'fe80::1%eth0'))
  assert.ok(isInRanges(['10.1.2.3'], '10.1.2.3') && !isInRanges(['10.1.2.3'], '10.1.2.4'))
  for (const text of ['', 'localhost', '10.1', '010.1.2.3', '10.0.0.1, 10.0.0.2'])
    assert.ok(!isInRanges(['0.0.0.0/0'], text))
  for (const text of ['10.0.0.0/33', '10.0.0/8', '::/129', 'x', '10.0.0.0/-1']) assert.equal(readRange(text), undefined)
  assert.ok(isMappedRange('::ffff:10.0.0.0/104') && !isMappedRange('::/0') && !isMappedRange('10.0.0.0/8'))
})

test('a child cannot outlive its parent, and the message names what is too much', () => {
  const parent = row('p', { models: ['gpt-*'] }, { expiresAtMs: 1_000 })
  assert.throws(() => checkWithin({}, 1_001, [parent]), { code: 'not_allowed', param: 'expires' })
  assert.throws(() => checkWithin({ models: ['*'] }, null, [parent]), { code: 'not_allowed', param: 'models' })
  checkWithin({ models: ['gpt-5*', 'gpt-4o'] }, 1_000, [parent])
  assert.equal(knownKey(row('c', {}), [parent]).caller.expiresAtMs, 1_000)
})

test('who is above decides whose a key is; tags add up', () => {
  const parent = row('p', {}, { org: 'acme', team: 'core', tags: ['paid'], metadata: { tier: 'basic' } })
  const child = row('c', {}, { team: 'other', user: 'ann', tags: ['mine'], metadata: { tier: 'best', note: 'x' } })
  const { caller } = knownKey(child, [parent])
  assert.deepEqual([caller.org, caller.team, caller.user], ['acme', 'core', 'ann'])
  assert.deepEqual([caller.tags, caller.metadata], [['paid', 'mine'], { tier: 'basic', note: 'x' }])
})

test('open mode allows everything', () => {
  fc.assert(
    fc.property(request, asked => {
      assert.deepEqual(allowed(OPEN_CALLER, asked), [true, true, true, true])
    })
  )
})

/** A caller of one key with these scopes. */
function allowances(scopes: KeyScopes): Caller {
  return knownKey(row('key', scopes), []).caller
}
