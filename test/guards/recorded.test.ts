import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import type { FramingOfClient } from '../../src/guards/frame-texts.ts'
import { saidIn } from '../../src/guards/frame-texts.ts'
import { READERS } from '../../src/wire/framing.ts'
import { fixtures } from '../support/dialects.ts'
import { guardingOf, guardOf, Playing, through, wordCheck } from './kit.ts'

/** The frames of a stream as the gateway hands them on in its own dialect: an event each, with its bytes. */
function framesIn(name: keyof typeof dialects, framing: FramingOfClient, bytes: Buffer): Frame[] {
  const decode = dialects[name].decoder()
  const frames: Frame[] = []
  const reader = READERS[framing].reader(
    ({ comment, event, data, raw }) => frames.push({ raw, events: comment ? [] : decode(event, data) }),
    { eventBytesMax: 10_000_000 }
  )
  reader.push(bytes)
  reader.end()
  return frames
}

const absent = guardOf(wordCheck('a word that nobody says'))
const vowel = guardOf(wordCheck('e', 'E'))

for (const name of ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const) {
  test(`${name}: streams of every kind go through guards byte for byte, or with nothing left of what is masked`, async () => {
    let count = 0
    for (const { name: file, text } of fixtures(name, 'streams')) {
      const framing = /^\s*\[/.test(text.toString('utf8', 0, 20)) ? 'json-array' : 'sse'
      let frames: Frame[]
      try {
        frames = framesIn(name, framing, text)
      } catch {
        // A fixture of what cannot be read.
        continue
      }
      if (frames.some(({ events }) => events.some(({ type }) => type === 'failed'))) continue
      count++
      const plain = await through(name, framing, new Playing(frames), guardingOf(absent))
      assert.deepEqual(plain.outcome, { how: 'done' }, file)
      assert.equal(plain.raw.toString(), Buffer.concat(frames.map(({ raw }) => raw)).toString(), file)

      const masked = await through(name, framing, new Playing(frames), guardingOf(vowel))
      assert.equal(masked.frames.length, frames.length, file)
      for (const { raw } of masked.frames) {
        for (const { data } of raw.length === 0 ? [] : saidIn(raw, framing)) {
          for (const ref of data ? dialects[name].streamTexts(data) : []) {
            // Words of JSON (`true`) are its structure.
            if (ref.sealed || ref.kind === 'tool-input') continue
            assert.ok(!ref.get().includes('e'), `${file}: ${ref.path} ${ref.get()}`)
          }
        }
      }
    }
    assert.ok(count > 0, 'there are streams')
  })
}
