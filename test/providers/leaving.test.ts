import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveProviders } from '../../src/providers/resolve.ts'
import { type Entry, entrySchema } from '../../src/providers/schema.ts'

function resolve(entries: Record<string, Record<string, unknown>>, env: Record<string, string>) {
  const read = Object.entries(entries).map(([name, entry]): [string, Entry] => [name, entrySchema.parse(entry)])
  return resolveProviders(Object.fromEntries(read), env).found
}

describe('resolveProviders: a client that leaves', () => {
  it('who bills on is known of presets, and only at their own addresses', () => {
    const env = { GROQ_API_KEY: 'gsk-1234567890', OPENAI_API_KEY: 'sk-1234567890' }
    const found = resolve({ lab: { like: 'groq', base_url: 'https://lab.example/v1', keys: ['k'] } }, env)
    const bills = Object.fromEntries(found.map(each => [each.name, each.billsAfterDisconnect ?? false]))
    assert.deepEqual(bills, { lab: false, openai: false, groq: true })
    assert.equal(resolve({ groq: { on_abort: 'drain' } }, env)[0]?.billsAfterDisconnect, true)
  })

  it('is cut off, unless the entry says that the answer is read on', () => {
    const env = { GROQ_API_KEY: 'gsk-1234567890' }
    assert.equal(resolve({}, env)[0]?.onAbort, 'cancel')
    assert.equal(resolve({ groq: {} }, env)[0]?.onAbort, 'cancel')
    assert.equal(resolve({ groq: { on_abort: 'drain' } }, env)[0]?.onAbort, 'drain')
  })
})
