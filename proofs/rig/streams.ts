import { DOORS, type Door, type OpenAnswer, open } from '../../test/support/client.ts'
import { readSse } from '../../test/support/dialects.ts'

/** A stream whose answer comes to its end, or one that stops in the middle for ever. */
export type Fate = 'finishes' | 'never ends'

/** How a stream ended for its client. */
export interface Ending {
  fate: Fate
  /** Words that came. */
  words: number
  /** Whether it ended with the end marker of its dialect. */
  ended: boolean
  /** The code of the error that it ended with, in its dialect. */
  code: string | undefined
  /** The connection broke under it. */
  cut: boolean
}

export interface OpenStream {
  /** Settles when the stream is over, however. */
  ending: Promise<Ending>
}

export interface Pacing {
  words: number
  paceMs: number
}

/** Opens a stream at the gateway's model for this fate, and waits until content has come. */
export async function openStream(url: string, number: number, fate: Fate, pacing: Pacing): Promise<OpenStream> {
  const door = DOORS[number % DOORS.length]!
  const text = `[[sim:words=${pacing.words} pace=${pacing.paceMs}]] stream ${number}`
  const model = fate === 'finishes' ? `${door.provider}/assistant` : `${door.provider}/stall-after-1`
  const answer = await open(`${url}${door.path}`, { body: door.body(model, text, { stream: true }) })
  if (answer.status !== 200) throw new Error(`stream ${number} was not opened: ${await answer.rest()}`)
  const first = await answer.untilText(/lamp/)
  return { ending: endingOf(answer, door, fate, first) }
}

async function endingOf(answer: OpenAnswer, door: Door, fate: Fate, first: string): Promise<Ending> {
  let cut = false
  const bytes = await answer.rest().catch(() => {
    cut = true
    return Buffer.from(first)
  })
  const events = readSse([bytes])
  const said = door.streamed(events)
  const broken = door.broken(events) as { error: { code?: unknown } } | undefined
  return {
    fate,
    words: said.split(' ').length,
    ended: !broken && door.ended(events),
    code: broken && String(broken.error.code),
    cut
  }
}
