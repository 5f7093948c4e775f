import { setTimeout as sleep } from 'node:timers/promises'
import { type Sim, startSim } from '../../src/sim/index.ts'
import { ask, type View } from './callers.ts'
import { FAULTS, type Fault } from './catalogue.ts'
import { CLIENTS, type Client, type ClientName } from './clients.ts'
import { type Evidence, isAnswer, type Times } from './evidence.ts'
import type { ProofGateway } from './gateway.ts'
import type { Goal } from './proof.ts'
import { PROVIDERS, type ProviderKind, type ProviderName } from './providers.ts'

/** A fault as one client meets it at one provider, streamed or whole. */
export interface Row extends Pair {
  fault: Fault
  stream: boolean
}

interface Pair {
  client: ClientName
  provider: ProviderName
}

const STAND_IN = 'stand-in'
/** Long enough that every fault of a stream comes amid its events. */
const TEXT = 'rehearse a bad day with the lamp, the marsh, the ledger, the engine, the fog and the dawn'
const ANSWER = `You said: ${TEXT}`
const CONTEXT = { small: 8_192, large: 1_000_000 }
/** After the return of a flapping provider: so many calls that it answers show that it is in use again. */
const BACK_CALLS = 3

const PAIRS: readonly Pair[] = (Object.keys(CLIENTS) as ClientName[]).flatMap(client =>
  (Object.keys(PROVIDERS) as ProviderName[]).map(provider => ({ client, provider }))
)

const dialectOf = ({ client, provider }: Pair) => ({
  client: CLIENTS[client].dialect,
  provider: PROVIDERS[provider].dialect
})

const COMMON = 'openai-chat'

/** Both speak the same dialect; or the provider's is one that no client speaks, and the most common one asks it. */
function isAtHome(pair: Pair): boolean {
  const dialect = dialectOf(pair)
  if (dialect.client === dialect.provider) return true
  const isSpoken = Object.values(CLIENTS).some(client => client.dialect === dialect.provider)
  return !isSpoken && pair.client === COMMON
}

/**
 * Every fault for every client and provider, streamed and whole. Quick: streamed where both speak the same dialect, and
 * whole in the most common one.
 */
export function rowsOf({ quick, only }: { quick: boolean; only: string | undefined }): Row[] {
  const pairs = PAIRS.filter(pair => !quick || isAtHome(pair))
  const faults = FAULTS.filter(({ name }) => only === undefined || name.includes(only))
  return faults.flatMap(fault =>
    pairs.flatMap(pair => {
      const { streamOnly }: Client = CLIENTS[pair.client]
      const isWhole = !streamOnly && !fault.streamOnly && (!quick || pair.provider === COMMON)
      return (isWhole ? [true, false] : [true]).map(stream => ({ fault, ...pair, stream }))
    })
  )
}

export function nameOf({ fault, client, provider, stream }: Row): string {
  return `${fault.name}, ${client} to ${provider}, ${stream ? 'stream' : 'whole'}`
}

/** A row with two providers of its own, so that the log of each tells what it was asked, and nothing else. */
export class Stand {
  readonly #row: Row
  readonly #times: Times
  readonly #primary: Sim
  readonly #fallback: Sim
  readonly #id: number

  private constructor(row: Row, times: Times, id: number, primary: Sim, fallback: Sim) {
    this.#row = row
    this.#times = times
    this.#id = id
    this.#primary = primary
    this.#fallback = fallback
  }

  static async open(row: Row, times: Times, id: number): Promise<Stand> {
    return new Stand(row, times, id, await startSim(), await startSim())
  }

  /** It takes most of the run. */
  get isLong(): boolean {
    return this.#row.fault.manner === 'steadily'
  }

  async close(): Promise<void> {
    await Promise.all([this.#primary.close(), this.#fallback.close()])
  }

  get #route(): string {
    return `row${this.#id}`
  }

  get #names(): { primary: string; fallback: string; model: string; standIn: string } {
    const { fault } = this.#row
    return {
      primary: `primary${this.#id}`,
      fallback: `fallback${this.#id}`,
      model: fault.primary(this.#times),
      standIn: fault.fallback ?? STAND_IN
    }
  }

  /** Its two providers, as lines under `providers:`. */
  providersYaml(): string {
    const { primary, fallback, model } = this.#names
    const { address, continues }: ProviderKind = PROVIDERS[this.#row.provider]
    // That a model continues what it is given must be known of it; others begin anew.
    const abilities = continues ? ', abilities: { prefill: true }' : ''
    const models = [`{ name: "${model}", context: ${CONTEXT.small} }`]
    const larger = [`{ name: ${STAND_IN}, context: ${CONTEXT.large}${abilities} }`]
    return `
  ${primary}: { ${address(this.#primary.url)}, models: [${models}] }
  ${fallback}: { ${address(this.#fallback.url)}, models: [${larger}] }`
  }

  /** Its route, as a line under `routes:`: two retries and one fallback; broken, neither these nor recovery. */
  routeYaml(isBroken: boolean): string {
    const { primary, fallback, model, standIn } = this.#names
    const { firstTokenMs, idleMs, attemptMs, totalMs } = this.#times
    const target = `"${primary}/${model}"`
    const to = isBroken
      ? // A bare target is retried once; a retry that answers only what must never be retried is none.
        `{ retry: ${target}, times: 1, on: [content_filter] }`
      : `{ fallback: [{ retry: ${target}, times: 2 }, "${fallback}/${standIn}"] }`
    const timeouts = `first_token: ${firstTokenMs}ms, idle: ${idleMs}ms, attempt: ${attemptMs}ms, total: ${totalMs}ms`
    const recovery = isBroken ? 'error' : this.#row.fault.recovery
    return `
  ${this.#route}: { to: ${to}, timeouts: { ${timeouts} }, stream_recovery: ${recovery} }`
  }

  async run(gateway: ProofGateway): Promise<Goal> {
    const { fault } = this.#row
    const evidence = await this.#gather(gateway)
    const { figure, problem } = fault.judge(evidence)
    return { name: nameOf(this.#row), figure, goal: fault.goal, problem }
  }

  async #gather(gateway: ProofGateway): Promise<Evidence> {
    switch (this.#row.fault.manner) {
      case 'once':
        return await this.#once(gateway)
      case 'once, then another':
        return await this.#onceAndAnother(gateway)
      case 'counted':
        return await this.#counted(gateway)
      case 'steadily':
        return await this.#steadily(gateway)
    }
  }

  #ask({ url }: ProofGateway, model = this.#route): Promise<View> {
    const { client, stream } = this.#row
    return ask(client, url, { model, text: TEXT, stream })
  }

  #evidence(views: readonly View[]): Evidence {
    return {
      views,
      stream: this.#row.stream,
      primary: this.#primary.log(),
      fallback: this.#fallback.log(),
      expected: ANSWER,
      times: this.#times
    }
  }

  async #once(gateway: ProofGateway): Promise<Evidence> {
    const view = await this.#ask(gateway)
    const evidence = {
      ...this.#evidence([view]),
      ...(this.#row.fault.timed && { plainMs: await this.#plainMs(gateway) })
    }
    return this.#row.fault.compared ? { ...evidence, refusal: await this.#refusal() } : evidence
  }

  async #plainMs(gateway: ProofGateway): Promise<number> {
    const { fallback } = this.#names
    const { tookMs } = await this.#ask(gateway, `${fallback}/${STAND_IN}`)
    return tookMs
  }

  /** What the provider says to the same request when it comes without a gateway. */
  async #refusal(): Promise<Evidence['refusal']> {
    const [entry] = this.#primary.log()
    if (!entry) return undefined
    const { path, method, body, headers } = entry
    const isOfTheirs = (name: string) => !/^(?:host|connection|content-length|transfer-encoding|accept-)/.test(name)
    // The log has shortened the credential; it may be any.
    const theirs = Object.entries(headers).filter(([name]) => isOfTheirs(name))
    const answer = await fetch(this.#primary.url + path, {
      method,
      headers: theirs.map(([name, value]): [string, string] => [name, value.replace('…', '')]),
      body: JSON.stringify(body)
    })
    const { client, provider } = this.#row
    return { status: answer.status, body: await answer.text(), native: client === provider }
  }

  async #onceAndAnother(gateway: ProofGateway): Promise<Evidence> {
    const evidence = this.#evidence([await this.#ask(gateway)])
    const { status } = await fetch(`${gateway.url}/readyz`)
    const { fallback } = this.#names
    const another = await this.#ask(gateway, `${fallback}/${STAND_IN}`)
    return { ...evidence, healthy: status === 200 && another.text === ANSWER && another.error === undefined }
  }

  /** A call that the fallback answers, one that a retry answers, and one that nobody answers. */
  async #counted(gateway: ProofGateway): Promise<Evidence> {
    const { primary, fallback, model, standIn } = this.#names
    const asked = [
      { name: this.#route, answering: { model: standIn, provider: fallback } },
      { name: `${primary}/500-once`, answering: { model: '500-once', provider: primary } },
      { name: `${primary}/${model}`, answering: { model, provider: primary } }
    ]
    const views: View[] = []
    const counted: NonNullable<Evidence['counted']>[number][] = []
    for (const { name, answering } of asked) {
      const before = this.#requests
      views.push(await this.#ask(gateway, name))
      counted.push({ requests: this.#requests - before, ...answering })
    }
    return { ...this.#evidence(views), counted }
  }

  get #requests(): number {
    return this.#primary.log().length + this.#fallback.log().length
  }

  /** A call every so often: while it is there, while it is away, and until it is in use again. */
  async #steadily(gateway: ProofGateway): Promise<Evidence> {
    const { flapMs, paceMs, backMs } = this.#times
    const views: Promise<View>[] = []
    const startedMs = performance.now()
    const isBack = () => {
      const log = this.#primary.log()
      const fromMs = (log[0]?.atMs ?? 0) + 2 * flapMs
      return log.filter(entry => entry.atMs >= fromMs && isAnswer(entry)).length >= BACK_CALLS
    }
    while (performance.now() - startedMs < 2 * flapMs + (backMs ?? 0) && !isBack()) {
      views.push(this.#ask(gateway))
      await sleep(paceMs)
    }
    return this.#evidence(await Promise.all(views))
  }
}
