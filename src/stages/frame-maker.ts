import type { Event, Frame } from '../dialects/canonical.ts'
import { streamTranslator } from '../dialects/translate.ts'
import type { SseEvent } from '../wire/sse.ts'
import type { Call } from './call.ts'
import type { Prepared } from './prepare.ts'
import type { FrameMaker } from './stream.ts'

const NOTHING = Buffer.alloc(0)

/** How events of this target become frames for this client: their own bytes where the dialect is the same. */
export function frameMaker(call: Call, prepared: Prepared): FrameMaker {
  return prepared.native ? nativeFrames(call, prepared) : translatedFrames(call, prepared)
}

function nativeFrames(call: Call, prepared: Prepared): FrameMaker {
  const decode = prepared.dialect.decoder()
  return {
    frame(event) {
      const events = decode(event.event, event.data)
      const hidden = prepared.hideUsage && isUsageOnly(events)
      return { raw: hidden ? NOTHING : event.raw, events }
    },
    comment: event => ({ raw: event.raw, events: [] }),
    end: () => ({ raw: Buffer.from(call.dialect.streamEnd), events: [{ type: 'end' }] })
  }
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
    end: () => frame(translator.end())
  }
}
