import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPEN_CALLER } from '../../src/access/caller.ts'
import { DOORS, type Door } from '../../src/access/inputs.ts'
import { KeyRing } from '../../src/access/key-ring.ts'
import { Secret } from '../../src/secret.ts'
import { authenticate } from '../../src/stages/authenticate.ts'
import { codeOf } from './support.ts'

const doors: Door[] = ['chat', 'models']
const ring = new KeyRing([
  { name: 'held', key: new Secret('key-of-two-doors'), doors },
  { name: 'free', key: new Secret('key-of-all-doors') }
])
const rooms = (keys: Pick<KeyRing, 'authenticate'> | undefined) => ({ keys, nowMs: () => 0 })
const call = (key: string, door: string) => ({ credentials: [key], address: '192.0.2.7', door })

test('without keys everybody may, through every door', () => {
  for (const door of DOORS) assert.equal(authenticate(call('anything', door), rooms(undefined)), OPEN_CALLER)
})

test('a key opens its doors and no other, at once or after a look-up', async () => {
  const later = { authenticate: async (...asked: Parameters<KeyRing['authenticate']>) => ring.authenticate(...asked) }
  for (const keys of [ring, later]) {
    for (const door of DOORS) {
      const code = await codeOf(() => authenticate(call('key-of-two-doors', door), rooms(keys)))
      assert.equal(code, doors.includes(door) ? undefined : 'not_allowed', door)
      assert.equal(await codeOf(() => authenticate(call('key-of-all-doors', door), rooms(keys))), undefined)
    }
  }
  // Of a call whose door nobody knows, nobody can say that it is one of them.
  assert.equal(await codeOf(() => authenticate({ credentials: ['key-of-two-doors'] }, rooms(ring))), 'not_allowed')
})
