import type { Event, Frame } from '../dialects/canonical.ts'
import type { FramingName } from '../dialects/dialect.ts'
import { streamReader, streamTranslator } from '../dialects/translate.ts'
import { CLIENT_FRAMINGS, type StreamEvent } from '../wire/framing.ts'
import type { Call } from './call.ts'
import type { Prepared } from './prepare.ts'
import type { FrameMaker } from './stream.ts'

const NOTHING = Buffer.alloc(0)

export interface FrameOptions {
  /** How the provider's stream is laid out. */
  framing: FramingName
  /** Events only: for a stage that writes the stream itself. */
  decoded: boolean
}

/** How events of this target become frames for this client: their own bytes where the dialect is the same. */
export function frameMaker(call: Call, prepared: Prepared, { framing, decoded }: FrameOptions): FrameMaker {
  if (decoded) return decodedFrames(call, prepared)
  if (!prepared.native) return translatedFrames(call, prepared)
  return nativeFrames(call, prepared, framing)
}

/** The same dialect in another framing keeps its data, and is laid out anew. */
function nativeFrames(call: Call, prepared: Prepared, framing: FramingName): FrameMaker {
  const decode = prepared.dialect.decoder()
  const { event: write } = CLIENT_FRAMINGS[call.framing]
  const isSame = framing === call.framing
  const rawOf = (event: StreamEvent) => (isSame ? terminated(event) : Buffer.from(write(event.event, event.data)))
  return {
    frame(event) {
      const events = decode(event.event, event.data)
      const hidden = (prepared.hideUsage && isUsageOnly(events)) || (event.unterminated && events.length === 0)
      return { raw: hidden ? NOTHING : rawOf(event), events }
    },
    comment: event => (isSame && !event.unterminated ? { raw: event.raw, events: [] } : undefined),
    mayMiss: mayMissIn(prepared),
    end: () => ({ raw: Buffer.from(call.dialect.streamEnd(write)), events: [{ type: 'end' }] })
  }
}

/** What follows, an end or an error, must not run into a block that the provider did not close. */
function terminated({ raw, unterminated }: StreamEvent): Buffer {
  if (!unterminated) return raw
  return Buffer.concat([raw, Buffer.from(raw.at(-1) === 10 ? '\n' : '\n\n')])
}

function isUsageOnly(events: readonly Event[]): boolean {
  return events.length > 0 && events.every(event => event.type === 'usage')
}

function translatedFrames(call: Call, prepared: Prepared): FrameMaker {
  const translator = streamTranslator(prepared.dialect, call.dialect, {
    losses: prepared.losses,
    request: prepared.request ?? {},
    ...(prepared.known && { known: prepared.known }),
    write: CLIENT_FRAMINGS[call.framing].event
  })
  const frame = (made: { text: string; events: readonly Event[] }): Frame => ({
    raw: made.text === '' ? NOTHING : Buffer.from(made.text),
    events: made.events
  })
  return {
    frame: (event: StreamEvent) => frame(translator.push(event.event, event.data)),
    comment: () => undefined,
    mayMiss: mayMissIn(prepared),
    end: () => frame(translator.end())
  }
}

/** Events only: for a stage that writes the stream itself. */
function decodedFrames(call: Call, prepared: Prepared): FrameMaker {
  const decode = streamReader(prepared.dialect, call.dialect, prepared)
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
