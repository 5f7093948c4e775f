import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/anthropic-messages/index.ts'
import type { JsonObject } from '../../../src/json.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/anthropic-messages')
const fixture = (name: string): JsonObject => JSON.parse(readFileSync(join(fixtures, name), 'utf8'))

describe('the lens', () => {
  it('finds every human text of a request, in order', () => {
    const refs = [...dialect.texts(fixture('requests/fullest.json'), 'request')]
    assert.deepEqual(
      refs.map(ref => [ref.role, ref.kind, ref.sealed, ref.get()]),
      [
        ['tool', 'tool-description', false, 'Looks a ship up'],
        ['tool', 'tool-description', true, 'Aurora'],
        ['system', 'text', false, 'You keep the harbour log.'],
        ['system', 'text', false, 'Answer in one line.'],
        ['user', 'text', false, 'Which ship is this?'],
        ['user', 'document', false, 'Manifest'],
        ['user', 'document', false, 'Filed yesterday'],
        ['user', 'document', false, 'Berth 4: the Aurora.'],
        ['user', 'document', false, 'High water at six.'],
        ['user', 'document', false, 'Low water at noon.'],
        ['user', 'document', false, 'Ships'],
        ['user', 'document', false, 'The Aurora is a brig.'],
        ['assistant', 'thinking', true, 'Two sources to ask.'],
        ['assistant', 'tool-input', false, '{"query":"Aurora brig"}'],
        ['assistant', 'text', false, 'She may be the Aurora.'],
        ['assistant', 'document', false, 'The brig Aurora'],
        ['assistant', 'tool-input', false, '{}'],
        ['tool', 'tool-result', false, '4'],
        ['assistant', 'tool-input', false, '{"ship":"Aurora","years":[1841,1842]}'],
        ['assistant', 'tool-input', false, '{}'],
        ['tool', 'tool-result', false, 'built 1841'],
        ['tool', 'tool-result', false, 'The archive is closed.'],
        ['tool', 'document', false, 'Opens at nine.'],
        ['user', 'text', false, 'Then guess.'],
        ['system', 'text', false, 'From now on name the year too.'],
        ['assistant', 'text', false, 'The Aurora, 1841'],
        ['user', 'text', false, 'Are you sure?']
      ]
    )
  })

  it('every path is the way to its text, and replacing edits that place only', () => {
    for (const [name, side] of [
      ['requests/fullest.json', 'request'],
      ['responses/fullest.json', 'response']
    ] as const) {
      const body = fixture(name)
      for (const ref of dialect.texts(body, side)) {
        const before = structuredClone(body)
        const replaced = ref.kind === 'tool-input' ? '{"masked":true}' : `masked ${ref.path}`
        ref.set(replaced)
        const at = follow(body, ref.path)
        assert.equal(ref.kind === 'tool-input' ? JSON.stringify(at) : at, replaced)
        assert.equal(ref.get(), replaced)
        put(body, ref.path, follow(before, ref.path))
        assert.deepEqual(body, before)
        ref.set(replaced)
      }
    }
  })

  it('text put back as input that is no JSON is still carried', () => {
    const body = { messages: [{ role: 'assistant', content: [{ type: 'tool_use', input: { a: 1 } }] }] }
    const [ref] = dialect.texts(body, 'request')
    ref!.set('{"a": [masked]}')
    assert.deepEqual(body.messages[0]?.content[0]?.input, { _raw: '{"a": [masked]}' })
  })

  it('the pieces of a stream share the lane of their block in the whole reply', () => {
    const whole = new Map<string, string>()
    for (const ref of dialect.texts(fixture('responses/fullest.json'), 'response')) {
      if (ref.kind !== 'document') whole.set(ref.lane, ref.get())
    }
    const pieces = new Map<string, string>()
    for (const line of readFileSync(join(fixtures, 'streams/fullest.sse'), 'utf8').split('\n')) {
      if (!line.startsWith('data: ')) continue
      for (const ref of dialect.streamTexts(JSON.parse(line.slice(6)))) {
        if (ref.kind !== 'document') pieces.set(ref.lane, `${pieces.get(ref.lane) ?? ''}${ref.get()}`)
      }
    }
    const spelt = (text: string) => text.replace(/(?<=[:,]) /g, '')
    assert.deepEqual([...pieces.keys()], ['0/0', '0/2', '0/4', '0/5', '0/6'])
    for (const [lane, text] of pieces) assert.equal(spelt(text), lane === '0/6' ? '' : spelt(whole.get(lane)!), lane)
  })

  it('a stream text is replaced in place, and thinking is sealed', () => {
    const data = { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'secret' } }
    const [ref] = dialect.streamTexts(data)
    ref!.set('masked')
    assert.equal(data.delta.text, 'masked')
    const thinking = { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }
    assert.equal(dialect.streamTexts(thinking)[0]?.sealed, true)
    assert.deepEqual(dialect.streamTexts({ type: 'ping' }), [])
  })
})

function steps(path: string): string[] {
  return path.replace(/\[(\d+)\]/g, '.$1').split('.')
}

function follow(body: unknown, path: string): unknown {
  return steps(path).reduce((value, step) => (value as Record<string, unknown>)[step], body)
}

function put(body: unknown, path: string, value: unknown): void {
  const all = steps(path)
  const owner = all.slice(0, -1).reduce((at, step) => (at as Record<string, unknown>)[step], body)
  ;(owner as Record<string, unknown>)[all.at(-1)!] = value
}
