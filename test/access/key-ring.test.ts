import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Caller, ownerOf } from '../../src/access/caller.ts'
import { Freshness } from '../../src/access/freshness.ts'
import type { DeclaredKey } from '../../src/access/inputs.ts'
import { KeyRing } from '../../src/access/key-ring.ts'
import { createKey, disableKey, rotateKey, updateKey } from '../../src/access/keys-admin.ts'
import { OWNER } from '../../src/access/permissions.ts'
import { StoredKeys } from '../../src/access/stored-keys.ts'
import { createTenant, updateTenant } from '../../src/access/tenants-admin.ts'
import { Failure } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'
import { codeOf, fakeStores, stoppedClock, tools } from './support.ts'

const HERE = { address: '192.0.2.7', nowMs: 1_800_000_000_000 }
const declared = (name: string, key: string, more: Partial<DeclaredKey> = {}): DeclaredKey => ({
  name,
  key: new Secret(key),
  ...more
})

describe('keys of the file', () => {
  const ring = new KeyRing([
    declared('team', 'key-of-the-team', { models: ['gpt-*'], tags: ['one'] }),
    declared('child', 'key-of-a-child', { parent: 'team', tags: ['two'] }),
    declared('off', 'key-that-is-off', { disabled: true }),
    declared('below', 'key-below-it', { parent: 'off' }),
    declared('lost', 'key-without-parent', { parent: 'nobody' }),
    declared('ring', 'key-in-a-circle', { parent: 'ring' }),
    declared('late', 'key-that-ends', { expires: HERE.nowMs + 1 }),
    declared('near', 'key-of-an-office', { addresses: ['198.51.100.0/24'] })
  ])
  const codeFor = (credentials: readonly string[], at = HERE) => codeOf(() => ring.authenticate(credentials, at))
  const callerFor = (key: string, at = HERE) => ring.authenticate([key], at) as Caller

  test('the caller of the one that was presented, however often, and the same object each time', () => {
    const caller = callerFor('key-of-the-team')
    assert.deepEqual([caller.key, caller.name], ['team', 'team'])
    assert.equal(ring.authenticate(['key-of-the-team', 'key-of-the-team'], HERE), caller)
    assert.ok(Object.isFrozen(caller))
  })

  test('none, a wrong one, and two that differ, none of them told', async () => {
    assert.equal(await codeFor([]), 'missing_key')
    assert.equal(await codeFor(['key-of-the-tea']), 'invalid_key')
    // Two that differ tell nothing, not even whether one of them is known.
    assert.equal(await codeFor(['key-of-the-team', 'key-of-a-child']), 'ambiguous_credentials')
    assert.equal(await codeFor(['wrong-one', 'wrong-two']), 'ambiguous_credentials')
  })

  test('nothing but the very text opens', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), text => {
        fc.pre(!text.startsWith('key-'))
        assert.throws(
          () => ring.authenticate([text], HERE),
          thrown => thrown instanceof Failure && thrown.code === 'invalid_key' && thrown.status === 401
        )
      })
    )
  })

  test('a key that is off, that ended, or of another place; and what was made from it', async () => {
    assert.equal(await codeFor(['key-that-is-off']), 'key_disabled')
    assert.equal(await codeFor(['key-below-it']), 'key_disabled')
    assert.equal(await codeFor(['key-without-parent']), 'key_disabled')
    assert.equal(await codeFor(['key-in-a-circle']), 'key_disabled')
    assert.equal(await codeFor(['key-that-ends']), undefined)
    assert.equal(await codeFor(['key-that-ends'], { ...HERE, nowMs: HERE.nowMs + 1 }), 'key_expired')
    assert.equal(await codeFor(['key-of-an-office']), 'address_refused')
    assert.equal(await codeFor(['key-of-an-office'], { ...HERE, address: '198.51.100.20' }), undefined)
    assert.equal(await codeFor(['key-of-an-office'], { ...HERE, address: '::ffff:198.51.100.20' }), undefined)
  })

  test('a child has the scopes of both, the tags of both and the name of its own', () => {
    const caller = callerFor('key-of-a-child')
    assert.deepEqual(caller.scopes, [{}, { models: ['gpt-*'] }])
    assert.deepEqual([caller.name, caller.parents, caller.tags], ['child', ['team'], ['one', 'two']])
  })
})

describe('keys of the stores', () => {
  function gateway() {
    const clock = stoppedClock()
    const stores = fakeStores(clock)
    const freshness = new Freshness(() => stores.version(), clock)
    const options = { stores, digests: tools().digests, freshness, clock, staleMaxMs: 60_000 }
    const stored = new StoredKeys(options)
    const ring = new KeyRing([], stored)
    const call = (token: string) => ring.authenticate([token], { ...HERE, nowMs: clock.nowMs })
    const make = async (name = 'key', more = {}) => createKey(OWNER, { name, ...more }, stores, tools())
    return { clock, stores, freshness, stored, call, make }
  }

  test('one look-up for all who ask at once, and none for those who come later', async () => {
    const { stores, call, make } = gateway()
    const { key, token } = await make()
    const callers = await Promise.all(Array.from({ length: 20 }, () => call(token.reveal())))
    assert.deepEqual(new Set(callers.map(caller => caller.key)), new Set([key.id]))
    const again = call(token.reveal())
    assert.ok(!(again instanceof Promise), 'at once')
    assert.equal(stores.lookUps, 1)
  })

  test('two texts that begin alike are two keys', async () => {
    const { call, make } = gateway()
    const { token } = await make()
    await call(token.reveal())
    const text = token.reveal()
    assert.equal(await codeOf(() => call(`${text.slice(0, 40)}${'0'.repeat(text.length - 40)}`)), 'invalid_key')
  })

  test('a damaged token asks no store, and a wrong one asks it once in five seconds', async () => {
    const { stores, clock, call, make } = gateway()
    const { token } = await make()
    const text = token.reveal()
    assert.equal(await codeOf(() => call(text.slice(0, -1) + (text.endsWith('0') ? '1' : '0'))), 'invalid_key')
    assert.equal(stores.lookUps, 0)
    for (let time = 0; time < 5; time++) assert.equal(await codeOf(() => call('sk-wrong')), 'invalid_key')
    assert.equal(stores.lookUps, 1)
    clock.nowMs += 5_001
    assert.equal(await codeOf(() => call('sk-wrong')), 'invalid_key')
    assert.equal(stores.lookUps, 2)
  })

  test('a change is in force at the next poll, and at once where the bus tells of it', async () => {
    const { stores, freshness, call, make } = gateway()
    const { key, token } = await make()
    await freshness.poll()
    await call(token.reveal())
    await disableKey(OWNER, key.id, stores, tools())
    assert.equal(await codeOf(() => call(token.reveal())), undefined, 'nobody has told')
    await freshness.poll()
    assert.equal(await codeOf(() => call(token.reveal())), 'key_disabled')
    await updateKey(OWNER, key.id, { disabled: false }, stores, tools())
    freshness.heard()
    assert.equal(await codeOf(() => call(token.reveal())), undefined)
  })

  test('a change that falls into a look-up is not missed', async () => {
    const { stores, freshness, call, make } = gateway()
    const { key, token } = await make()
    const running = call(token.reveal())
    await disableKey(OWNER, key.id, stores, tools())
    freshness.heard()
    await running
    assert.equal(await codeOf(() => call(token.reveal())), 'key_disabled')
  })

  test('while the store is down known keys go on for a minute, and unknown ones are not called wrong', async () => {
    const { stores, clock, freshness, call, make } = gateway()
    const { token } = await make()
    const other = await make('other')
    await freshness.poll()
    await call(token.reveal())
    await freshness.poll()
    stores.down = true
    await freshness.poll()
    // Told of a change that it cannot look at: what it knew is served all the same, for as long.
    freshness.heard()
    clock.nowMs += 60_000
    assert.equal(await codeOf(() => call(token.reveal())), undefined)
    assert.equal(await codeOf(() => call(other.token.reveal())), 'store_unavailable')
    clock.nowMs += 1
    assert.equal(await codeOf(() => call(token.reveal())), 'store_unavailable')
    stores.down = false
    assert.equal(await codeOf(() => call(token.reveal())), undefined)
  })

  test('a key that polls confirm stays in memory, however old', async () => {
    const { stores, clock, freshness, call, make } = gateway()
    const { token } = await make()
    await freshness.poll()
    await call(token.reveal())
    for (let minute = 0; minute < 10; minute++) {
      clock.nowMs += 60_000
      await freshness.poll()
      await call(token.reveal())
    }
    assert.equal(stores.lookUps, 1)
  })

  test('rotation: both tokens for a while, then the new one alone', async () => {
    const { stores, clock, freshness, call, make } = gateway()
    const { key, token } = await make()
    const rotated = await rotateKey(OWNER, key.id, { overlapMs: 1_000 }, stores, tools())
    assert.notEqual(rotated.token.reveal(), token.reveal())
    freshness.heard()
    assert.equal((await call(token.reveal())).key, (await call(rotated.token.reveal())).key)
    clock.nowMs += 1_000
    assert.equal(await codeOf(() => call(token.reveal())), 'key_expired')
    assert.equal(await codeOf(() => call(rotated.token.reveal())), undefined)
  })

  test('a disabled parent, team or organisation takes its keys with it', async () => {
    const { stores, freshness, call, make } = gateway()
    await createTenant(OWNER, { kind: 'org', id: 'acme' }, stores, tools())
    await createTenant(OWNER, { kind: 'team', id: 'core', org: 'acme' }, stores, tools())
    const parent = await make('parent', { team: 'core' })
    const child = await make('child', { parent: parent.key.id })
    const code = () => {
      freshness.heard()
      return codeOf(() => call(child.token.reveal()))
    }
    assert.equal(await code(), undefined)
    await disableKey(OWNER, parent.key.id, stores, tools())
    assert.equal(await code(), 'key_disabled')
    await updateKey(OWNER, parent.key.id, { disabled: false }, stores, tools())
    for (const [kind, id] of [
      ['team', 'core'],
      ['org', 'acme']
    ] as const) {
      await updateTenant(OWNER, { kind, id }, { disabled: true }, stores, tools())
      assert.equal(await code(), 'key_disabled', kind)
      await updateTenant(OWNER, { kind, id }, { disabled: false }, stores, tools())
      assert.equal(await code(), undefined)
    }
    assert.equal(
      ownerOf(await call(child.token.reveal())),
      ownerOf(await call(parent.token.reveal())),
      'one team, one owner'
    )
  })

  test('keys of the file go by the tenants of the stores too, and go on without the stores', async () => {
    const { stores, clock, freshness, stored } = gateway()
    await createTenant(OWNER, { kind: 'team', id: 'core' }, stores, tools())
    const keys = [
      declared('file', 'key-of-the-file', { team: 'core' }),
      declared('more', 'key-in-it', { parent: 'file' })
    ]
    const ring = new KeyRing(keys, stored)
    const code = (key: string) => codeOf(() => ring.authenticate([key], { ...HERE, nowMs: clock.nowMs }))
    assert.equal(await code('key-of-the-file'), undefined)
    await updateTenant(OWNER, { kind: 'team', id: 'core' }, { disabled: true }, stores, tools())
    freshness.heard()
    assert.equal(await code('key-of-the-file'), 'key_disabled')
    assert.equal(await code('key-in-it'), 'key_disabled')
    // Nothing was ever read here of what the stores say.
    const fresh = gateway()
    fresh.stores.tenants.find = () => Promise.reject(new Error('the store is down'))
    const alone = new KeyRing(keys, fresh.stored)
    assert.equal(await codeOf(() => alone.authenticate(['key-of-the-file'], HERE)), undefined)
    // Nor where the file itself has disabled the team.
    const off = new KeyRing(keys, fresh.stored, new Set(['core']))
    assert.equal(await codeOf(() => off.authenticate(['key-of-the-file'], HERE)), 'key_disabled')
    assert.equal(
      await codeOf(() => new KeyRing(keys, undefined, new Set(['core'])).authenticate(['key-in-it'], HERE)),
      'key_disabled'
    )
  })

  test('keys of the file are held to what the stores say of their tenants, and to what they last said', async () => {
    const { stores, clock, freshness, stored } = gateway()
    const scopes = { guards: ['pii'], require: { region: ['eu'] } }
    await createTenant(OWNER, { kind: 'team', id: 'core', ...scopes }, stores, tools())
    const own = { require: { no_training: true as const } }
    const ring = new KeyRing([declared('file', 'key-of-the-file', { team: 'core', ...own })], stored)
    const ask = async () => ring.authenticate(['key-of-the-file'], { ...HERE, nowMs: clock.nowMs })
    assert.deepEqual((await ask()).scopes, [own, scopes])
    // For longer than anything is otherwise taken from memory: a demand does not lapse.
    stores.tenants.find = () => Promise.reject(new Error('the store is down'))
    freshness.heard()
    clock.nowMs += 30 * 24 * 3_600_000
    assert.deepEqual((await ask()).scopes, [own, scopes])
  })

  test('a flood of wrong keys is turned away before it piles up at the store, and throws out none that is known', async () => {
    const { stores, call, make } = gateway()
    const { token } = await make()
    await call(token.reveal())
    const codes = await Promise.all(Array.from({ length: 1_000 }, (_, number) => codeOf(() => call(`wrong-${number}`))))
    assert.deepEqual(new Set(codes), new Set(['invalid_key', 'store_unavailable']))
    assert.ok(stores.lookUps <= 129, `${stores.lookUps} look-ups`)
    assert.ok(!(call(token.reveal()) instanceof Promise))
  })

  test('who was used when, once', async () => {
    const { clock, stored, call, make } = gateway()
    const { key, token } = await make()
    await call(token.reveal())
    clock.nowMs += 5
    await call(token.reveal())
    assert.deepEqual(stored.takeUsed(), [{ id: key.id, atMs: clock.nowMs }])
    assert.deepEqual(stored.takeUsed(), [])
  })

  test('what comes from clients never fails in another way than as a wrong key', async () => {
    const { call } = gateway()
    const odd = [
      "' or 1=1 --",
      '\u0000',
      'a'.repeat(1_000_000),
      '💥',
      'eyJhbGciOiJSUzI1NiJ9.eyJ',
      'gh_live_',
      '__proto__'
    ]
    for (const text of odd) assert.equal(await codeOf(() => call(text)), 'invalid_key', text.slice(0, 20))
  })
})
