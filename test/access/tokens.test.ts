import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkSecret, makeToken, readToken, TokenDigests } from '../../src/access/tokens.ts'
import { holdsSecret, Secret } from '../../src/secret.ts'
import type { MetaStore } from '../../src/stores/stores.ts'
import { PROCESS_SECRET } from './support.ts'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map(array => Buffer.from(array))
const token = fc
  .tuple(fc.constantFrom('live' as const, 'admin' as const), bytes(7), bytes(32))
  .map(([kind, id, secret]) => {
    return { kind, ...makeToken(kind, size => (size === 7 ? id : secret)) }
  })

test('a token reads back as what it was made as, whatever the bytes', () => {
  fc.assert(
    fc.property(token, ({ kind, id, token, hint }) => {
      const text = token.reveal()
      assert.match(text, /^gh_(live|admin)_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}$/)
      assert.deepEqual(readToken(text), { is: kind, id })
      assert.ok(text.endsWith(hint) && hint.length === 4)
    })
  )
})

test('a token with one wrong character is never taken for one, wherever it is', () => {
  fc.assert(
    fc.property(token, fc.nat(), fc.constantFrom(...DIGITS), ({ token }, at, digit) => {
      const text = token.reveal()
      const place = 3 + (at % (text.length - 3))
      fc.pre(text[place] !== digit)
      const { is } = readToken(text.slice(0, place) + digit + text.slice(place + 1))
      assert.ok(is === 'damaged' || is === 'foreign', is)
    }),
    { numRuns: 2_000 }
  )
})

test('a damaged token, and one of the admin API, asks no store; what is foreign is looked up by its SHA-256', () => {
  const digests = new TokenDigests(PROCESS_SECRET)
  const text = makeToken('live', randomBytes).token.reveal()
  const damaged = text.slice(0, -1) + (text.endsWith('0') ? '1' : '0')
  assert.equal(digests.ofKey(damaged), undefined)
  assert.equal(digests.ofKey(makeToken('admin', randomBytes).token.reveal()), undefined)
  const sha256 = createHash('sha256').update('sk-imported').digest('hex')
  assert.deepEqual(digests.ofKey('sk-imported'), { scheme: 'sha256', digest: sha256 })
})

test('digests are under a pepper: another secret makes others, and keys and admin tokens never meet', () => {
  const text = makeToken('live', randomBytes).token.reveal()
  const [one, other] = [new TokenDigests(PROCESS_SECRET), new TokenDigests(new Secret('another secret of the process'))]
  assert.equal(one.ofKey(text)?.digest, new TokenDigests(PROCESS_SECRET).ofKey(text)?.digest)
  assert.notEqual(one.ofKey(text)?.digest, other.ofKey(text)?.digest)
  assert.notEqual(one.ofKey(text)?.digest, one.ofAdmin(text))
  assert.notEqual(one.ofKey(text)?.digest, createHash('sha256').update(text).digest('hex'))
})

test('tokens of ours have the shape that logs and errors look for', () => {
  assert.ok(holdsSecret(`the key ${makeToken('live', randomBytes).token.reveal()} is wrong`))
})

test('the stores refuse a process with another secret, in words that show neither', async () => {
  const kept = new Map<string, string>()
  const meta: MetaStore = {
    get: async name => kept.get(name),
    putIfAbsent: async (name, value) => void (kept.has(name) || kept.set(name, value))
  }
  await checkSecret(PROCESS_SECRET, meta)
  await checkSecret(PROCESS_SECRET, meta)
  assert.ok(![...kept.values()].some(value => PROCESS_SECRET.isIn(value)))
  const other = new Secret('another secret of the process')
  await assert.rejects(checkSecret(other, meta), thrown => {
    assert.ok(thrown instanceof Error && thrown.message.includes('GATEHOUSE_SECRET'))
    return !other.isIn(thrown.message) && !PROCESS_SECRET.isIn(thrown.message)
  })
})
