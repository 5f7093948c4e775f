import { setTimeout as sleep } from 'node:timers/promises'
import { type Sim, startSim } from '../../src/sim/index.ts'
import { ask, SPEECHES, type Speech, type View } from './callers.ts'
import { FAULTS, type Fault } from './catalogue.ts'
import { type Evidence, isAnswer, type Times } from './evidence.ts'
import type { ProofGateway } from './gateway.ts'
import type { Goal } from './proof.ts'

/** A fault as one client meets it at one provider, streamed or whole. */
export interface Row {
  fault: Fault
  client: Speech
  provider: Speech
  stream: boolean
}

const STAND_IN = 'stand-in'
/** Long enough that every fault of a stream comes amid its events. */
const TEXT = 'rehearse a bad day with the lamp, the marsh, the ledger, the engine, the fog and the dawn'
const ANSWER = `You said: ${TEXT}`
const CONTEXT = { small: 8_192, large: 1_000_000 }
/** After the return of a flapping provider: so many calls that it answers show that it is in use again. */
const BACK_CALLS = 3

/** Every fault, in both dialects, streamed and whole; crossed: with client and provider in different ones too. */
export function rowsOf({ crossed, only }: { crossed: boolean; only: string | undefined }): Row[] {
  const pairs = SPEECHES.flatMap(client => SPEECHES.map(provider => ({ client, provider })))
  return FAULTS.filter(({ name }) => only === undefined || name.includes(only)).flatMap(fault =>
    pairs
      .filter(({ client, provider }) => crossed || client === provider)
      .flatMap(pair => (fault.streamOnly ? [true] : [true, false]).map(stream => ({ fault, ...pair, stream })))
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
    const { provider } = this.#row
    const common = `keys: [a-credential], allow_private: ["127.0.0.0/8"]`
    // That a model continues what it is given must be known of it; OpenAI's begin anew.
    const abilities = provider === 'anthropic' ? ', abilities: { prefill: true }' : ''
    const models = [`{ name: "${model}", context: ${CONTEXT.small} }`]
    const larger = [`{ name: ${STAND_IN}, context: ${CONTEXT.large}${abilities} }`]
    return `
  ${primary}: { like: ${provider}, base_url: "${this.#primary.url}/v1", ${common}, models: [${models}] }
  ${fallback}: { like: ${provider}, base_url: "${this.#fallback.url}/v1", ${common}, models: [${larger}] }`
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
    const evidence = this.#evidence([await this.#ask(gateway)])
    const [entry] = evidence.primary
    return entry?.status === 400 ? { ...evidence, refusal: await this.#refusal() } : evidence
  }

  /** What the provider says to whoever asks it without a gateway. */
  async #refusal(): Promise<NonNullable<Evidence['refusal']>> {
    const { client, provider, stream } = this.#row
    const { status, raw } = await ask(provider, this.#primary.url, { model: this.#names.model, text: TEXT, stream })
    return { status, body: raw, sameDialect: client === provider }
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
    const { flapMs, paceMs } = this.#times
    const views: Promise<View>[] = []
    const startedMs = performance.now()
    const isBack = () => {
      const log = this.#primary.log()
      const backMs = (log[0]?.atMs ?? 0) + 2 * flapMs
      return log.filter(entry => entry.atMs >= backMs && isAnswer(entry)).length >= BACK_CALLS
    }
    while (performance.now() - startedMs < 3 * flapMs && !isBack()) {
      views.push(this.#ask(gateway))
      await sleep(paceMs)
    }
    return this.#evidence(await Promise.all(views))
  }
}
