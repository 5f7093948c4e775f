import { setTimeout as sleep } from 'node:timers/promises'
import { keep } from '../../src/build/kept.ts'
import { systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { NANO_PER_USD } from '../../src/nano.ts'
import { Gatehouse } from '../../src/server.ts'
import { type Sim, type SimLogEntry, startSim } from '../../src/sim/index.ts'
import type { CounterStore } from '../../src/stores/counters.ts'
import type { AttemptRow } from '../../src/stores/rows.ts'
import { Notebook, Overheard, type Used } from './budget-books.ts'
import { type BudgetCall, FAULTS, make, type Told } from './budget-calls.ts'

const KEY = 'a-key-of-the-proof'
/** The budget that is not to be overrun. */
export const LIMIT_NANO = NANO_PER_USD
/** What one token in costs of one that comes out, and how much dearer the other model is. */
const INPUT_SHARE = 0.2
const DEAR_TIMES = 4
const SETTLE_MS = 10_000

export interface RunOptions {
  calls: readonly BudgetCall[]
  /** Price of a token that comes out of the cheaper model, in nano-dollars; whole. */
  tokenNano: number
  /** Nothing is limited: shows what all calls cost. */
  unlimited?: boolean
  /** One for each gateway, of what they share. */
  counters: readonly CounterStore[]
  /** Holds hold nothing. */
  breaks: boolean
}

/** One attempt, as both sides have it. */
export interface Attempt {
  row: AttemptRow
  /** What the provider's own count comes to, of what it had generated; undefined: it never saw it. */
  simNano: number | undefined
}

/** What a run has left. */
export interface Run {
  told: readonly Told[]
  attempts: readonly Attempt[]
  /** Rows that were written twice, and requests that the provider saw without a row. */
  faults: readonly string[]
  spentNano: number
  heldNano: number
  openHolds: number
}

/** Throws the calls at gateways that share counters, all at once, and looks at the books when everything is over. */
export async function runBudget(options: RunOptions): Promise<Run> {
  const { calls, breaks } = options
  const notebook = new Notebook()
  const used: Used = new Map()
  const all = options.counters.map(counters => new Overheard(counters, used, breaks))
  const counters = all[0]!
  const sim = await startSim()
  const gateways: Gatehouse[] = []
  try {
    for (const each of all) gateways.push(await startReplica(configuration(sim, options), each, notebook))
    const told = await Promise.all(calls.map((call, at) => make(gateways[at % gateways.length]!.url, KEY, call)))
    await settled(gateways, counters)
    const { spent, held } = await counters.sums()
    return {
      told,
      ...matched(notebook, sim.log(), options.tokenNano),
      spentNano: spent,
      heldNano: held,
      openHolds: await counters.openHolds()
    }
  } finally {
    await Promise.all(gateways.map(gateway => gateway.drain(0)))
    await sim.close()
  }
}

function configuration(sim: Sim, { tokenNano, unlimited }: RunOptions): string {
  const at = (dialect: string, path: string) => `{ dialect: ${dialect}, base_url: "${sim.url}${path}" }`
  const endpoints = [
    at('openai-chat', '/v1'),
    at('openai-responses', '/v1'),
    at('anthropic-messages', '/v1'),
    at('gemini', '/v1beta')
  ]
  const provider = `{ endpoints: [${endpoints}], keys: [k], allow_private: ["127.0.0.0/8"], pass_request_id: true }`
  const price = (name: string) => {
    const { input, output } = ratesOf(name, tokenNano)
    return `  - { provider: ${name}, model: "*", usd: { input_mtok: ${input / 1_000}, output_mtok: ${output / 1_000} } }`
  }
  return `
listen: 127.0.0.1:0
log: { level: silent }
overload: { loop_lag: 60s, memory: 99% }
timeouts: { head: 800ms, first_token: 500ms, idle: 500ms, idle_content: 500ms, attempt: 1500ms, total: 20s }
providers:
  lab: ${provider}
  dear: ${provider}
routes:
${FAULTS.map(fault => `  after-${fault}: { fallback: [lab/${fault}, dear/assistant] }`).join('\n')}
prices:
${price('lab')}
${price('dear')}
keys: [{ name: payer, key: ${KEY} }]
budgets: [{ scope: { key: payer }, limit: { usd: ${unlimited ? 1_000_000 : LIMIT_NANO / NANO_PER_USD} }, window: month }]
`
}

/** Prices of a token in and of one out, in nano-dollars; whole, so that both sides come to the very same. */
function ratesOf(provider: string, tokenNano: number): { input: number; output: number } {
  const output = tokenNano * (provider === 'dear' ? DEAR_TIMES : 1)
  return { input: Math.ceil(output * INPUT_SHARE), output }
}

async function startReplica(text: string, counters: CounterStore, ledger: Notebook): Promise<Gatehouse> {
  const load = () => loadConfig({ path: undefined, text, env: {}, readFile: () => '' })
  const first = load()
  const log = createLog({ ...first.config.log, to: { write: () => {} } })
  const kept = keep({ counters, ledger }, { clock: systemClock, log })
  const options = { first, load, path: undefined, env: {}, log, forceCanonical: false }
  const gateway = new Gatehouse(options, { kept, access: undefined })
  await gateway.start()
  return gateway
}

/** All calls are over on the gateways too, also those whose clients have left; and nothing is held, or never will be. */
async function settled(gateways: readonly Gatehouse[], counters: CounterStore): Promise<void> {
  const untilMs = performance.now() + SETTLE_MS
  while (performance.now() < untilMs) {
    if (gateways.every(({ open }) => open.calls === 0) && (await counters.openHolds()) === 0) return
    await sleep(10)
  }
}

/** Rows and requests of the same attempt: its id has travelled with it. */
function matched(
  { rows, faults }: Notebook,
  log: readonly SimLogEntry[],
  tokenNano: number
): Pick<Run, 'attempts' | 'faults'> {
  const seen = new Map(log.map(entry => [entry.headers['x-client-request-id'], entry]))
  const unknown = log.filter(({ headers }) => !rows.has(headers['x-client-request-id'] ?? ''))
  const attempts = [...rows.values()].map(row => {
    const entry = seen.get(row.id)
    return { row, simNano: entry && simCost(entry, ratesOf(row.provider, tokenNano)) }
  })
  return { attempts, faults: [...faults, ...unknown.map(({ requestId }) => requestId)] }
}

/** What a provider would bill for what it had generated, by its own count. */
function simCost({ usage, generated }: SimLogEntry, { input, output }: { input: number; output: number }): number {
  const at = (...names: string[]) => Number(names.map(name => usage?.[name]).find(value => value !== undefined) ?? 0)
  const tokensIn = at('prompt_tokens', 'input_tokens', 'promptTokenCount')
  const tokensOut = at('completion_tokens', 'output_tokens', 'candidatesTokenCount')
  return tokensIn * input + Math.round(tokensOut * generated) * output
}
