import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatResponse } from '../../src/dialects/canonical.ts'
import { collect } from '../../src/dialects/collect.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Failure } from '../../src/errors.ts'
import { JsonBody } from '../../src/json.ts'
import type { Call } from '../../src/stages/call.ts'
import { frameMaker } from '../../src/stages/frame-maker.ts'
import type { Prepared } from '../../src/stages/prepare.ts'
import { ReplyStream } from '../../src/stages/stream.ts'
import type { Outcome } from '../../src/wire/frames.ts'
import { SseReader } from '../../src/wire/sse.ts'
import { decodeSse, fixtures, readSse } from '../support/dialects.ts'

interface Got {
  text: string
  outcome: Outcome | undefined
  /** It failed before any content: the plan was told. */
  failed: boolean
}

/** What a client of `to` gets of a stream of `from` that ends after these bytes. */
function take(bytes: Buffer, from: Dialect, to: Dialect, isBroken: boolean): Got {
  const prepared = { dialect: from, native: from === to, losses: [], request: undefined, hideUsage: false }
  const call = { dialect: to, body: JsonBody.from({}) } as unknown as Call
  const got: Got = { text: '', outcome: undefined, failed: false }
  const nothing = () => {}
  const upper = {
    content: nothing,
    abort: nothing,
    resume: nothing,
    drain: nothing,
    fail: () => {
      got.failed = true
    },
    commit: () =>
      stream.start({
        frame: ({ raw }) => {
          assert.equal(got.outcome, undefined, 'nothing after the close')
          got.text += raw.toString()
          return true
        },
        close: outcome => {
          assert.equal(got.outcome, undefined, 'closed once')
          got.outcome = outcome
        }
      })
  }
  const stream: ReplyStream = new ReplyStream(frameMaker(call, prepared as unknown as Prepared, false), upper)
  const reader = new SseReader(event => void stream.event(event))
  reader.push(bytes)
  if (isBroken) stream.fail(new Failure('provider_unreachable', 'reset', { kind: 'reset' }))
  else {
    reader.end()
    stream.end()
  }
  return got
}

/** What was said, and how each choice ended. */
function meaning(dialect: Dialect, text: string): ChatResponse['choices'] {
  return collect(decodeSse(dialect, readSse([Buffer.from(text)]))).choices
}

for (const from of Object.values(dialects)) {
  for (const to of Object.values(dialects)) {
    test(`a stream of ${from.name} for ${to.name}, cut at any byte: all of it, or no success`, () => {
      for (const { name, text } of fixtures(from.name, 'streams')) {
        const whole = take(text, from, to, false)
        assert.equal(whole.outcome?.how, 'done', name)
        const all = meaning(to, whole.text)
        for (let at = 0; at <= text.length; at++) {
          for (const isBroken of [true, false]) {
            const got = take(text.subarray(0, at), from, to, isBroken)
            const what = `${name} at ${at}`
            assert.notEqual(got.failed, got.outcome !== undefined, `${what}: the plan or the client hears of it`)
            if (got.outcome?.how !== 'done') continue
            assert.deepEqual(meaning(to, got.text), all, what)
            // The provider's own end may have other line ends than ours.
            assert.ok(got.text.trimEnd().endsWith(to.streamEnd.trimEnd()), `${what} ends as its dialect ends`)
          }
        }
      }
    })
  }
}
