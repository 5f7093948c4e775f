import type { Framing } from './voice.ts'

/** Server-sent events: an `event` line where the event has a name, then its data. */
export function sse(contentType: string, lineEnd = '\n'): Framing {
  return {
    contentType,
    write: ({ event, data }) => `${event === '' ? '' : `event: ${event}${lineEnd}`}data: ${data}${lineEnd}${lineEnd}`
  }
}

/** One JSON array that grows: Google's stream without `alt=sse`. A frame of kind `end` closes it. */
export const jsonArray: Framing = {
  contentType: 'application/json; charset=UTF-8',
  write: ({ kind, data }, at) => {
    const opened = data === '' ? '' : `${at === 0 ? '[' : ',\r\n'}${data}`
    return kind === 'end' ? `${opened}${at === 0 && data === '' ? '[' : ''}\r\n]` : opened
  }
}
