import { dialect } from '../../../src/dialects/bedrock-converse/index.ts'
import type { ChatRequest, Event } from '../../../src/dialects/canonical.ts'
import type { JsonObject } from '../../../src/json.ts'
import { EventStreamReader, formatEventStream } from '../../../src/wire/eventstream.ts'
import type { Said } from '../../support/dialects.ts'

/** The events of a stream in binary frames that arrives in these pieces. */
export function readFrames(chunks: Iterable<Buffer>): Said[] {
  const said: Said[] = []
  const reader = new EventStreamReader(({ comment, event, data }) => {
    if (!comment) said.push({ event, data })
  })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return said
}

/** What an encoder wrote, event by event, for as long as its framing is one line of JSON each. */
export function encoded(events: Iterable<Event>, losses: string[] = [], request: Partial<ChatRequest> = {}): Said[] {
  const said: Said[] = []
  const write = (event: string, data: string): string => {
    said.push({ event, data })
    return ''
  }
  const encoder = dialect.encoder({ losses, request, write })
  for (const event of events) encoder.push(event)
  return said
}

/** Events of our own making: `[name, data]`. */
export function decoded(said: Iterable<readonly [string, JsonObject]>): Event[] {
  const decode = dialect.decoder()
  return [...said].flatMap(([event, data]) => decode(event, JSON.stringify(data)))
}

export function frames(said: Iterable<Said>): Buffer {
  return Buffer.concat([...said].map(({ event, data }) => formatEventStream(event, data)))
}
