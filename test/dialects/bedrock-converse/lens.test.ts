import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/bedrock-converse/index.ts'
import { type Json, JsonBody, type JsonObject } from '../../../src/json.ts'
import { fixtures, readSse } from '../../support/dialects.ts'

const fixture = (kind: 'requests' | 'responses'): JsonObject =>
  fixtures('bedrock-converse', kind)
    .find(({ name }) => name === 'fullest')!
    .body()

describe('the lens', () => {
  it('finds every human text of a request, in order', () => {
    const refs = [...dialect.texts(fixture('requests'), 'request')]
    assert.deepEqual(
      refs.map(ref => [ref.role, ref.kind, ref.sealed, ref.get()]),
      [
        ['tool', 'tool-description', false, 'Looks a ship up'],
        ['system', 'text', false, 'You keep the harbour log.'],
        ['system', 'text', false, 'Berths are secret.'],
        ['user', 'text', false, 'Which ship is this?'],
        ['user', 'document', false, 'Manifest'],
        ['user', 'document', false, 'Filed yesterday'],
        ['user', 'document', false, 'Tides'],
        ['user', 'document', false, 'High water at six.'],
        ['user', 'document', false, 'Ships'],
        ['user', 'document', false, 'The Aurora is a brig.'],
        ['user', 'document', false, 'Built 1841.'],
        ['user', 'document', false, 'Ships'],
        ['user', 'document', false, 'A brig has two masts.'],
        ['user', 'text', false, 'Name the captain.'],
        ['assistant', 'thinking', true, 'Two sources to ask.'],
        ['assistant', 'thinking', true, 'Unsigned thought.'],
        ['assistant', 'tool-input', false, '{"query":"Aurora brig"}'],
        ['tool', 'tool-result', false, '[HIDDEN]'],
        ['assistant', 'text', false, 'She may be the Aurora'],
        ['assistant', 'text', false, ', a brig.'],
        ['assistant', 'document', false, 'The Aurora is a brig.'],
        ['assistant', 'text', false, ' Built'],
        ['assistant', 'text', false, ' 1841.'],
        ['assistant', 'document', false, 'Built 1841.'],
        ['assistant', 'tool-input', false, '{"ship":"Aurora","years":[1841,1842]}'],
        ['assistant', 'tool-input', false, '{}'],
        ['tool', 'tool-result', false, 'built 1841'],
        ['tool', 'tool-result', false, '{"captain":null,"masts":2}'],
        ['tool', 'document', false, 'Log'],
        ['user', 'text', false, 'Then guess.'],
        ['system', 'text', false, 'From now on name the year too.'],
        ['assistant', 'text', false, 'The Aurora, 1841'],
        ['user', 'text', false, ''],
        ['user', 'text', false, 'Gdynia']
      ]
    )
  })

  it('every path is the way to its text, and replacing edits that place only', () => {
    for (const kind of ['requests', 'responses'] as const) {
      const body = fixture(kind)
      for (const ref of dialect.texts(body, kind === 'requests' ? 'request' : 'response')) {
        const before = structuredClone(body)
        const isJson = /\.(?:input|json)$/.test(ref.path)
        const replaced = isJson ? '{"masked":true}' : `masked ${ref.path}`
        const original = ref.get()
        ref.set(replaced)
        const at = follow(body, ref.path)
        assert.equal(isJson ? JSON.stringify(at) : at, replaced)
        ref.set(original)
        assert.deepEqual(body, before)
      }
    }
  })

  it('the lanes of a stream are those of the whole', () => {
    const [{ text } = { text: Buffer.alloc(0) }] = fixtures('bedrock-converse', 'streams').filter(
      ({ name }) => name === 'fullest'
    )
    const lanes = new Map<string, string>()
    for (const { data } of readSse([text])) {
      for (const ref of dialect.streamTexts(JSON.parse(data))) {
        const key = `${ref.lane} ${ref.kind} ${ref.sealed}`
        lanes.set(key, (lanes.get(key) ?? '') + ref.get())
      }
    }
    assert.deepEqual(
      [...lanes].map(([key, words]) => `${key}: ${words}`),
      [
        '0/0 thinking true: Look it up.',
        '0/2 text false: One moment; the tables say',
        '0/3/citations document false: High water at six.',
        "0/3 text false:  six o'clock.",
        '0/4 tool-input false: {"query":"tides"}',
        '0/5 tool-result false: [HIDDEN]',
        '0/6 tool-input false: {"port":"Gdynia"}'
      ]
    )
  })

  it('text in place of a call that is no JSON is carried as one string', () => {
    const body = { messages: [{ role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'b', input: {} } }] }] }
    const [ref] = dialect.texts(body, 'request')
    ref!.set('masked')
    assert.deepEqual(body.messages[0]!.content[0]!.toolUse.input, { _raw: 'masked' })
  })
})

describe('an answer begun for the model', () => {
  const begun = (messages: Json) => {
    const body = JsonBody.from({ messages })
    return body.edit(dialect.prefill(body, 'It is')).get('messages')
  }

  it('is a last turn of its own, or goes on with the one that is there', () => {
    const user = { role: 'user', content: [{ text: 'Tide?' }] }
    assert.deepEqual(begun([user]), [user, { role: 'assistant', content: [{ text: 'It is' }] }])
    assert.deepEqual(begun([user, { role: 'assistant', content: [{ text: 'Hm.' }] }]), [
      user,
      { role: 'assistant', content: [{ text: 'Hm.' }, { text: 'It is' }] }
    ])
  })
})

function follow(body: Json | undefined, path: string): Json | undefined {
  return path
    .split(/[.[\]]+/)
    .filter(step => step !== '')
    .reduce<Json | undefined>((value, step) => (value as JsonObject | undefined)?.[step], body)
}
