import { crc32 } from 'node:zlib'
import type { Frame, Framing } from '../voice.ts'

const STRING = 7
const CRC_BYTES = 4
const PRELUDE_BYTES = 12

/**
 * One message of an AWS event stream: the lengths of the whole and of its headers, their checksum, the headers, the
 * payload, and the checksum of all before it.
 * Layout: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, "Event stream encoding".
 */
function messageOf(headers: Record<string, string>, payload: string): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => headerOf(name, value)))
  const body = Buffer.from(payload)
  const message = Buffer.alloc(PRELUDE_BYTES + head.length + body.length + CRC_BYTES)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(head.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  head.copy(message, PRELUDE_BYTES)
  body.copy(message, PRELUDE_BYTES + head.length)
  const end = message.length - CRC_BYTES
  message.writeUInt32BE(crc32(message.subarray(0, end)), end)
  return message
}

function headerOf(name: string, value: string): Buffer {
  const bytes = Buffer.from(value)
  const lengths = Buffer.alloc(3)
  lengths.writeUInt8(STRING, 0)
  lengths.writeUInt16BE(bytes.length, 1)
  return Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), lengths, bytes])
}

function exceptionOf({ event, data }: Frame): Buffer | undefined {
  if (!event.endsWith('Exception')) return undefined
  const headers = { ':exception-type': event, ':content-type': 'application/json', ':message-type': 'exception' }
  return messageOf(headers, data)
}

function eventOf(event: string, data: string): Buffer {
  return messageOf({ ':event-type': event, ':content-type': 'application/json', ':message-type': 'event' }, data)
}

const CONTENT_TYPE = 'application/vnd.amazon.eventstream'

/** Events of ConverseStream. What is named an exception goes out as one. */
export const eventStream: Framing = {
  contentType: CONTENT_TYPE,
  cutsInside: true,
  write: frame => exceptionOf(frame) ?? eventOf(frame.event, frame.data)
}

/** Events of InvokeModelWithResponseStream: the model's own, wrapped. */
export const chunkStream: Framing = {
  contentType: CONTENT_TYPE,
  cutsInside: true,
  write: (frame, at) => {
    const chunk = { bytes: Buffer.from(frame.data).toString('base64'), p: paddingOf(at) }
    return exceptionOf(frame) ?? eventOf('chunk', JSON.stringify(chunk))
  }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const LENGTHS_STEP = 23

/** What hides the length of the `at`th event from those who only see the traffic. */
export function paddingOf(at: number): string {
  return LETTERS.slice(0, 4 + ((at * LENGTHS_STEP) % (LETTERS.length - 4)))
}
