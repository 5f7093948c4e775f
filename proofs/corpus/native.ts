import type { Kind } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import { PER_CALL_MEMBERS } from '../../src/routing/per-call.ts'
import { firstDifference, isOnlyAskedFor, isSameButIds, shown, talk } from './bytes.ts'
import { cutRandomly } from './cuts.ts'
import { expectedKinds } from './failures.ts'
import type { Interaction } from './interactions.ts'
import type { Bench, Outcome, Rule } from './rule.ts'
import { SPELLINGS, type Spelling, spellWithModel } from './spellings.ts'
import { doorFor, type Played, pathOf, type Reply, routedModel } from './stand.ts'

/**
 * The gateway itself, a client and a provider of the same dialect around it: bytes come out as they went in, but for
 * the touches that are permitted (D20).
 */

/** One interaction in one spelling. */
interface Turn {
  spelling: Spelling
  /** What the client sends. */
  sent: string
  /** The same with the provider's own name of the model: what the provider should get, but for other touches. */
  expected: string
  reply: Buffer
  played: Played
}

export const sameRequest: Rule = {
  name: 'same-request',
  async check(interaction, bench) {
    if (!interaction.request) return undefined
    const turns = await turnsOf(interaction, bench)
    if ('note' in turns) return turns
    return noted(
      interaction,
      once(turns, turn => requestFindings(interaction, turn))
    )
  }
}

export const sameReply: Rule = {
  name: 'same-reply',
  async check(interaction, bench) {
    if (!isOfTheClient(interaction)) return undefined
    const turns = await turnsOf(interaction, bench)
    if ('note' in turns) return turns
    return noted(
      interaction,
      once(turns, turn => replyFindings(interaction, turn))
    )
  }
}

/** What is wrong with the first spelling that something is wrong with, and in which others something is. */
function once(turns: readonly Turn[], find: (turn: Turn) => string | undefined): string[] {
  const wrong = turns.flatMap(turn => find(turn) ?? [])
  const more = wrong.length > 1 ? [` (and in ${wrong.length - 1} more spellings)`] : []
  return wrong.slice(0, 1).map(finding => finding + more.join(''))
}

/** Members that say how to route are the gateway's own: a call is played without them. */
function noted({ request }: Interaction, findings: string[]): Outcome {
  const ours = PER_CALL_MEMBERS.filter(name => request?.[name] !== undefined)
  if (ours.length === 0) return findings
  return { note: `without ${ours.join(', ')} (what says how to route, and is the gateway's)`, findings }
}

function withoutRouting(body: JsonObject): JsonObject {
  const kept = Object.entries(body).filter(([name]) => !PER_CALL_MEMBERS.some(ours => ours === name))
  return Object.fromEntries(kept)
}

const played = new WeakMap<Interaction, Promise<Turn[] | { note: string }>>()

/** Played once, looked at by both rules. */
export function turnsOf(interaction: Interaction, bench: Bench): Promise<Turn[] | { note: string }> {
  const known = played.get(interaction)
  if (known) return known
  const turns = play(interaction, bench)
  played.set(interaction, turns)
  return turns
}

async function play(interaction: Interaction, { stand }: Bench): Promise<Turn[] | { note: string }> {
  const { dialect, stream } = interaction
  const door = doorFor(interaction)
  if (door === undefined) return { note: 'no door: clients do not speak this dialect to a gateway' }
  if (stream?.framing === 'eventstream') return { note: "no door: Bedrock's frames are not written to clients" }
  const turns: Turn[] = []
  for (const spelling of SPELLINGS) {
    const body = interaction.request ? withoutRouting(interaction.request) : someRequest(interaction)
    const write = dialect.members.model ? spellWithModel(body, spelling) : () => spelling.write(body)
    const sent = write(routedModel(interaction))
    const { reply, ...told } = isOfTheClient(interaction) ? replyIn(interaction, spelling) : REFUSED
    turns.push({
      spelling,
      sent,
      expected: write(interaction.address.model),
      reply,
      played: await stand.play(door, sent, told)
    })
  }
  return turns
}

const JSON_TYPE = 'application/json'

/** Other failures are the gateway's business: it waits, tries again, and answers in its own words (D13, D34). */
function isOfTheClient({ operation, status, reply }: Interaction): boolean {
  return operation !== 'error' || expectedKinds(status, reply ?? null)?.every(kind => CLIENTS.has(kind)) === true
}

const CLIENTS: ReadonlySet<Kind> = new Set(['bad_request', 'content_filter', 'too_long', 'too_large'])

/** In the place of a failure that would be met with more than an answer: only the request is looked at. */
const REFUSAL = Buffer.from('{"error":{"message":"no"}}')
const REFUSED = { status: 400, contentType: JSON_TYPE, pieces: [REFUSAL], reply: REFUSAL }

/** A request for a reply whose own was not recorded. */
function someRequest({ dialect, address }: Interaction): JsonObject {
  const messages = [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'Say it again.' }] }]
  return dialect.encodeRequest({ ...address, messages, streamUsage: true }, [])
}

function replyIn({ status, headers, reply, stream, id }: Interaction, spelling: Spelling): Reply & { reply: Buffer } {
  const contentType = headers['content-type']
  if (stream) {
    const { bytes } = stream
    const pieces = spelling === SPELLINGS[0] && stream.pieces ? stream.pieces : cutRandomly(bytes, id + spelling.name)
    const usual = stream.framing === 'sse' ? 'text/event-stream' : JSON_TYPE
    return { status, contentType: contentType ?? usual, pieces, reply: bytes }
  }
  const isObject = typeof reply === 'object' && reply !== null && !Array.isArray(reply)
  const bytes = Buffer.from(
    isObject ? spelling.write(reply) : typeof reply === 'string' ? reply : JSON.stringify(reply)
  )
  return { status, contentType: contentType ?? JSON_TYPE, pieces: [bytes], reply: bytes }
}

function requestFindings({ dialect, ...interaction }: Interaction, turn: Turn): string | undefined {
  const { expected, spelling, played } = turn
  const { asked, bytes, status } = played
  if (!asked) return `${spelling.name}: refused with ${status}: ${bytes.toString().slice(0, 300)}`
  const path = pathOf({ dialect, ...interaction }, interaction.address.model)
  if (asked.path !== path) return `${spelling.name}: asked at ${asked.path}, not at ${path}`
  const usage = dialect.members.streamUsage
  if (asked.body === expected || (usage && isOnlyAskedFor(usage, expected, asked.body))) return undefined
  return `${spelling.name}: ${firstDifference(expected, asked.body)}`
}

function replyFindings(interaction: Interaction, turn: Turn): string | undefined {
  const { status, stream } = interaction
  const { spelling, reply, played } = turn
  if (played.status !== status)
    return `${spelling.name}: status ${played.status}, not ${status}: ${played.bytes.toString().slice(0, 300)}`
  const got = played.bytes.toString()
  const expected = stream ? shown(interaction, stream) : reply.toString()
  if (got === expected || isSameButIds(expected, got)) return undefined
  if (stream && isSameButIds(talk(expected), talk(got))) return `${spelling.name}: only what is no event differs`
  return `${spelling.name}: ${firstDifference(expected, got)}`
}
