import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Owned, OwnedIds } from '../../src/access/owned.ts'
import { loadProcessSecret } from '../../src/access/process-secret.ts'
import { Failure } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'

const ids = new OwnedIds(new Secret('a secret of this test, and of no other'))

const anyOwned: fc.Arbitrary<Owned> = fc.record(
  {
    kind: fc.constantFrom('response', 'file'),
    provider: fc.string({ unit: 'grapheme' }),
    credential: fc.string(),
    id: fc.string({ unit: 'grapheme', minLength: 1 }),
    owner: fc.option(fc.string(), { nil: undefined })
  },
  { noNullPrototype: true }
)

const refusalOf = (run: () => unknown): Failure => {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
  throw new Error('nothing was refused')
}

test('what is wrapped is unwrapped for its owner, and is the same id each time', () => {
  fc.assert(
    fc.property(anyOwned, owned => {
      const id = ids.wrap(owned)
      assert.match(id, new RegExp(`^gh_${owned.kind}_[\\w-]+$`))
      assert.ok(ids.isWrapped(id))
      assert.equal(ids.wrap({ ...owned }), id)
      assert.deepEqual(ids.unwrap(id, owned), owned)
    })
  )
})

test('two things never share an id, whatever the difference', () => {
  const owned: Owned = { kind: 'response', provider: 'a', credential: 'key1', id: 'resp_1', owner: 'red' }
  const others: Partial<Owned>[] = [
    { kind: 'file' },
    { provider: 'b' },
    { credential: 'key2' },
    { id: 'resp_2' },
    { owner: 'blue' },
    { owner: undefined }
  ]
  const all = [owned, ...others.map(change => ({ ...owned, ...change }))].map(each => ids.wrap(each).split('_').at(-1))
  assert.equal(new Set(all).size, all.length)
})

test('another owner, another kind, a changed id and a made-up one are refused in the same words', () => {
  const owned: Owned = { kind: 'response', provider: 'a', credential: 'key1', id: 'resp_1', owner: 'red' }
  const id = ids.wrap(owned)
  const flipped = `${id.slice(0, -5)}${id.at(-5) === 'A' ? 'B' : 'A'}${id.slice(-4)}`
  const other = new OwnedIds(new Secret('the secret of another gateway'))
  const refused = [
    refusalOf(() => ids.unwrap(id, { kind: 'response', owner: 'blue' })),
    refusalOf(() => ids.unwrap(id, { kind: 'response', owner: undefined })),
    refusalOf(() => ids.unwrap(ids.wrap({ ...owned, kind: 'file' }).replace('_file_', '_response_'), owned)),
    refusalOf(() => ids.unwrap(flipped, owned)),
    refusalOf(() => ids.unwrap(`${id}=`, owned)),
    refusalOf(() => ids.unwrap(`${id}A`, owned)),
    refusalOf(() => ids.unwrap(other.wrap(owned), owned)),
    ...['gh_response_', 'gh_response_AAAA', 'resp_1', ''].map(made => refusalOf(() => ids.unwrap(made, owned)))
  ]
  const said = new Set(refused.map(({ code, status, message }) => `${code} ${status} ${message}`))
  assert.deepEqual([...said], ['unknown_object 404 There is no response of this id.'])
})

test('no byte of a wrapped id can be changed', () => {
  const owned: Owned = { kind: 'response', provider: 'openai', credential: 'key1', id: 'resp_123', owner: 'red' }
  const prefix = 'gh_response_'
  const sealed = Buffer.from(ids.wrap(owned).slice(prefix.length), 'base64url')
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 1
    assert.equal(refusalOf(() => ids.unwrap(prefix + changed.toString('base64url'), owned)).code, 'unknown_object')
  }
})

test('nothing of what is wrapped can be read from its id', () => {
  const id = ids.wrap({ kind: 'response', provider: 'openai', credential: 'key1', id: 'resp_1', owner: 'red' })
  const bytes = Buffer.from(id.slice('gh_response_'.length), 'base64url').toString('latin1')
  for (const word of ['openai', 'key1', 'resp_1', 'red']) assert.ok(!bytes.includes(word))
})

test('the secret of the process is given, or made once for its owner alone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-secret-'))
  const load = (given?: string) => loadProcessSecret({ given, directory, randomBytes })
  try {
    const made = load()
    const path = join(directory, 'secret.key')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(load().reveal(), made.reveal())
    assert.equal(load('').reveal(), made.reveal())
    assert.equal(load('  given-by-the-environment  ').reveal(), 'given-by-the-environment')
    assert.throws(() => load('short'), /GATEHOUSE_SECRET must have at least 20 characters/)
    writeFileSync(path, 'cut\n')
    assert.throws(() => load(), /secret\.key holds no secret/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
