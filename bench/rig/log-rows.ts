import type { Nano } from '../../src/nano.ts'
import type { OfferedBodies } from '../../src/stores/bodies.ts'
import type { AttemptRow, RequestRow } from '../../src/stores/rows.ts'

/** Rows of a month of a company's calls, the same for the same seed. Nothing in them is anybody's. */

const DAY_MS = 86_400_000
export const DAYS = 30

const MODELS = [
  ['openai', 'gpt-5.5'],
  ['openai', 'gpt-5.5-mini'],
  ['anthropic', 'claude-opus-4-7'],
  ['anthropic', 'claude-haiku-4-5'],
  ['google', 'gemini-3-pro'],
  ['groq', 'llama-3.3-70b']
] as const
const TEAMS = ['search', 'support', 'platform', 'data', 'mobile', 'growth', 'legal', 'research']
const APPS = ['claude-code', 'codex', 'openai-python', 'langchain', null]
const CALLS_OF_A_SESSION = 20

export interface MadeRows {
  requests: RequestRow[]
  attempts: AttemptRow[]
}

/** The rows from `from` on, `count` of them, of `total` that end at `endMs`. */
export function madeRows(from: number, count: number, { total, endMs }: { total: number; endMs: number }): MadeRows {
  const made: MadeRows = { requests: [], attempts: [] }
  for (let at = from; at < from + count; at++) {
    const chance = chances(at)
    const startedAtMs = Math.floor(endMs - DAYS * DAY_MS + ((at + 1) / (total + 1)) * DAYS * DAY_MS)
    const [provider, model] = MODELS[Math.floor(chance() ** 2 * MODELS.length)]!
    const team = TEAMS[Math.floor(chance() ** 2 * TEAMS.length)]!
    const session = Math.floor(at / (CALLS_OF_A_SESSION * 50)) * 50 + (at % 50)
    const payers = {
      org: 'acme',
      team,
      key: `${team}-${Math.floor(chance() ** 2 * 20)}`,
      customer: `c${Math.floor(chance() ** 3 * 5_000)}`,
      session: `s${session}`,
      ...(chance() < 0.2 && { tags: [chance() < 0.5 ? 'nightly' : 'eval'] })
    }
    const isFailed = chance() < 0.03
    const totalMs = Math.round(300 + chance() ** 4 * 30_000)
    const firstTokenMs = Math.round(totalMs * (0.1 + chance() * 0.3))
    const usage = { inputTokens: Math.floor(chance() ** 2 * 20_000), outputTokens: Math.floor(chance() ** 2 * 2_000) }
    const costNano = (isFailed ? 0 : usage.inputTokens * 2_000 + usage.outputTokens * 8_000) as Nano
    const id = idOf(startedAtMs, at)
    const shared = { provider, model, payers, startedAtMs, finishedAtMs: startedAtMs + totalMs, costNano }
    made.requests.push({
      ...shared,
      id,
      dialect: 'openai-chat',
      operation: 'chat',
      stream: at % 2 === 0,
      modelAsked: model,
      attempts: 1,
      status: isFailed ? 502 : 200,
      outcome: isFailed ? 'failed' : 'done',
      code: isFailed ? 'provider_unreachable' : null,
      usage: isFailed ? null : usage,
      firstTokenMs: isFailed ? null : firstTokenMs,
      totalMs,
      configDigest: `d${Math.floor(at / 100_000)}`,
      finish: isFailed ? null : 'stop',
      app: APPS[Math.floor(chance() * APPS.length)]!,
      trace: null,
      parent: null,
      admittedMs: 0.3,
      guardMs: null,
      waitedMs: totalMs - 1,
      heldMs: null,
      ...NO_CACHE,
      verdicts: [],
      details: null
    })
    made.attempts.push({
      ...shared,
      id: idOf(startedAtMs + 1, at),
      requestId: id,
      number: 1,
      state: 'finished',
      heldNano: costNano,
      lines: null,
      priceVersion: '1',
      usage: isFailed ? null : usage,
      usageSource: isFailed ? 'none' : 'provider',
      outcome: isFailed ? 'failed' : 'done',
      failure: isFailed ? 'reset' : null,
      marks: [],
      firstTokenMs: isFailed ? null : firstTokenMs
    })
  }
  return made
}

const NO_CACHE = { cache: null, savedNano: null, savedMs: null, promptSavedNano: null }

/** One row in a hundred thousand says this, and no other text does. */
export const RARE_WORD = 'zymurgy'

/** What the call of this number was about: a few sentences, with words of all frequencies. */
function madeText(at: number): string {
  const chance = chances(at ^ 0x5bd1e995)
  const words = Array.from(
    { length: 30 },
    () => `${SYLLABLES[Math.floor(chance() * 40)]}${SYLLABLES[Math.floor(chance() ** 2 * 40)]}`
  )
  return `Question ${at}: ${words.join(' ')}${at % 100_000 === 7 ? ` ${RARE_WORD}` : ''}?`
}

const SYLLABLES = Array.from(
  { length: 40 },
  (_, at) => `${'bdfgklmnprstvz'[at % 14]}${'aeiou'[at % 5]}${'lmnrst'[at % 6]}`
)

/** What was said in these calls: each a question, and what it was answered. */
export function madeBodies(requests: readonly RequestRow[], from: number): OfferedBodies[] {
  return requests.map(({ id, startedAtMs, payers, dialect }, index) => {
    const content = madeText(from + index)
    const received = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })
    const answered = JSON.stringify({
      choices: [{ message: { role: 'assistant', content: `Answer ${from + index}.` } }]
    })
    const { session, org } = payers
    return { requestId: id, atMs: startedAtMs, session, org, level: 'full', dialect, received, sent: [], answered }
  })
}

/** A UUID of version 7 with the time in front, as the gateway gives them out. */
function idOf(ms: number, at: number): string {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${at.toString(16).padStart(12, '0')}`
}

/** A small generator (mulberry32): the rows are the same on every machine. */
function chances(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
