import type { Event, Frame } from '../dialects/canonical.ts'
import { streamTranslator } from '../dialects/translate.ts'
import type { SseEvent } from '../wire/sse.ts'
import type { Call } from './call.ts'
import type { Prepared } from './prepare.ts'
import type { FrameMaker } from './stream.ts'

const NOTHING = Buffer.alloc(0)

/** How events of this target become frames for this client: their own bytes where the dialect is the same. */
export function frameMaker(call: Call, prepared: Prepared, decoded: boolean): FrameMaker {
  if (decoded) return decodedFrames(prepared)
  return prepared.native ? nativeFrames(call, prepared) : translatedFrames(call, prepared)
}

function nativeFrames(call: Call, prepared: Prepared): FrameMaker {
  const decode = prepared.dialect.decoder()
  return {
    frame(event) {
      const events = decode(event.event, event.data)
      const hidden = (prepared.hideUsage && isUsageOnly(events)) || (event.unterminated && events.length === 0)
      return { raw: hidden ? NOTHING : terminated(event), events }
    },
    comment: event => (event.unterminated ? undefined : { raw: event.raw, events: [] }),
    mayMiss: mayMissIn(prepared),
    end: () => ({ raw: Buffer.from(call.dialect.streamEnd), events: [{ type: 'end' }] })
  }
}

/** What follows, an end or an error, must not run into a block that the provider did not close. */
function terminated({ raw, unterminated }: SseEvent): Buffer {
  if (!unterminated) return raw
  return Buffer.concat([raw, Buffer.from(raw.at(-1) === 10 ? '\n' : '\n\n')])
}

function isUsageOnly(events: readonly Event[]): boolean {
  return events.length > 0 && events.every(event => event.type === 'usage')
}

function translatedFrames(call: Call, prepared: Prepared): FrameMaker {
  const translator = streamTranslator(prepared.dialect, call.dialect, {
    losses: prepared.losses,
    request: prepared.request ?? {}
  })
  const frame = (made: { text: string; events: readonly Event[] }): Frame => ({
    raw: made.text === '' ? NOTHING : Buffer.from(made.text),
    events: made.events
  })
  return {
    frame: (event: SseEvent) => frame(translator.push(event.event, event.data)),
    comment: () => undefined,
    mayMiss: mayMissIn(prepared),
    end: () => frame(translator.end())
  }
}

/** Events only: for a stage that writes the stream itself. */
function decodedFrames(prepared: Prepared): FrameMaker {
  const decode = prepared.dialect.decoder()
  return {
    frame: event => ({ raw: NOTHING, events: decode(event.event, event.data) }),
    comment: () => undefined,
    mayMiss: mayMissIn(prepared),
    end: () => ({ raw: NOTHING, events: [{ type: 'end' }] })
  }
}

/** An event that cannot be read and is certainly no content is a named loss. */
function mayMissIn({ dialect, losses }: Prepared): FrameMaker['mayMiss'] {
  return ({ event }) => {
    if (!dialect.isQuiet(event)) return false
    losses.push(`event ${event}`)
    return true
  }
}
