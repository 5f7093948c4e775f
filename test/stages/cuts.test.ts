import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect } from '../../src/dialects/collect.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Failure } from '../../src/errors.ts'
import { type Json, JsonBody } from '../../src/json.ts'
import type { Call } from '../../src/stages/call.ts'
import { frameMaker } from '../../src/stages/frame-maker.ts'
import type { Prepared } from '../../src/stages/prepare.ts'
import { ReplyStream } from '../../src/stages/stream.ts'
import type { Outcome } from '../../src/wire/frames.ts'
import { formatSse, SseReader } from '../../src/wire/sse.ts'
import { decodeSse, fixtures, readSse, seeded, without } from '../support/dialects.ts'

interface Got {
  text: string
  outcome: Outcome | undefined
  /** It failed before any content: the plan was told. */
  failed: boolean
}

/** What a client of `to` gets of a stream of `from` that ends after these bytes. */
function take(bytes: Buffer, from: Dialect, to: Dialect, isBroken: boolean): Got {
  const prepared = { dialect: from, native: from === to, losses: [], request: undefined, hideUsage: false }
  const call = { dialect: to, framing: 'sse', body: JsonBody.from({}) } as unknown as Call
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
  const stream: ReplyStream = new ReplyStream(
    frameMaker(call, prepared as unknown as Prepared, { framing: 'sse', decoded: false }),
    upper
  )
  const reader = new SseReader(event => void stream.event(event))
  reader.push(bytes)
  if (isBroken) stream.fail(new Failure('provider_unreachable', 'reset', { kind: 'reset' }))
  else {
    reader.end()
    stream.end()
  }
  return got
}

/** What was said, and how each choice ended; of a reply that says it failed, the kind of its failure. */
function meaning(dialect: Dialect, text: string): Json {
  try {
    const { choices } = collect(decodeSse(dialect, readSse([Buffer.from(text)])))
    return without(choices as unknown as Json, ['spelling', 'rest'])
  } catch (thrown) {
    return Failure.from(thrown).kind
  }
}

/** So long a stream is cut at every byte in its own dialect; longer ones, and those that cross, at so many places. */
const EVERY_BYTE_MAX = 1_024
const PLACES = 60

function placesIn(text: Buffer, crosses: boolean): number[] {
  if (!crosses && text.length <= EVERY_BYTE_MAX) return Array.from({ length: text.length + 1 }, (_, at) => at)
  const random = seeded(text.length)
  return [0, text.length - 1, ...Array.from({ length: PLACES }, () => Math.floor(random() * (text.length + 1)))]
}

for (const from of Object.values(dialects)) {
  for (const to of Object.values(dialects)) {
    test(`a stream of ${from.name} for ${to.name}, cut at any byte: all of it, or no success`, () => {
      for (const { name, text } of fixtures(from.name, 'streams')) {
        const whole = take(text, from, to, false)
        assert.equal(whole.outcome?.how, 'done', name)
        const all = meaning(to, whole.text)
        for (const at of placesIn(text, from !== to)) {
          for (const isBroken of [true, false]) {
            const got = take(text.subarray(0, at), from, to, isBroken)
            const what = `${name} at ${at}`
            assert.notEqual(got.failed, got.outcome !== undefined, `${what}: the plan or the client hears of it`)
            if (got.outcome?.how !== 'done') continue
            assert.deepEqual(meaning(to, got.text), all, what)
            // The provider's own end may have other line ends than ours.
            assert.ok(
              got.text.trimEnd().endsWith(to.streamEnd(formatSse).trimEnd()),
              `${what} ends as its dialect ends`
            )
          }
        }
      }
    })
  }
}
