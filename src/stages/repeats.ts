import type { Clock } from '../clock.ts'
import type { RepeatedCall } from '../stores/rows.ts'
import type { Known, KnownRequests, RepeatedAnswer } from '../wire/repeats.ts'
import type { Call, Reply } from './call.ts'
import type { Recorded } from './call-record.ts'

/** All that can change under an answer. */
export interface Standing {
  /** The configuration in force. */
  plan: unknown
  /** Budgets, limits and prices of the stores. */
  governed: unknown
  /** Of what is known of keys and teams. */
  generation: number
  /** How often something was taken out of the cache. */
  changes: number
}

export interface RepeatsRooms {
  /** Whether anything is cached at all. */
  isOn(): boolean
  clock: Clock
  newId(): string
  /** Whether new calls are taken just now. */
  isOpen(): boolean
  standing(): Standing
  /** Whether nothing has changed since. */
  stands(standing: Standing): boolean
  /** Writes down calls that repeat a recorded one. */
  record(recorded: Recorded, calls: readonly RepeatedCall[]): void
}

/** What was answered once, as it can be answered again. */
export interface Answering {
  /** The request, head and body. */
  request: Buffer
  address: string
  call: Call
  reply: Extract<Reply, { how: 'whole' }>
  /** As they were sent. */
  headers: Readonly<Record<string, string>>
  /** From when the call came. */
  standing: Standing
}

interface KnownAnswer extends Known {
  /** The request as text: a character for each byte. */
  name: string
  /** The head of the answer, cut where the call's id stands. */
  head: readonly string[]
  body: string
  recorded: Recorded
  standing: Standing
  /** On the monotonic clock. */
  untilMs: number
}

const SECOND_MS = 1_000
const KNOWN_MAX = 1_000
const BYTES_MAX = 16 * 1024 * 1024
/** For so long calls that cost nothing are in memory alone: many rows together are little more work than one. */
const UNWRITTEN_MS = 5
const OVERHEAD_HEADER = 'x-gatehouse-overhead-ms'

/**
 * Requests that were answered from the cache a moment ago: whoever sends the very same bytes from the same address gets
 * the same answer, under an id of its own, and is written down like everyone. That saves reading them, since the same bytes
 * say the same: who calls, for what, by which route. It holds for a second at most, and while nothing has changed that the
 * answer follows from; and only for calls that no budget, no limit and no guard has to do with, since those must look at
 * each.
 */
export class Repeats implements KnownRequests {
  readonly #rooms: RepeatsRooms
  readonly #known = new Map<string, KnownAnswer>()
  #bytes = 0
  readonly #unwritten = new Map<Recorded, RepeatedCall[]>()
  #timer: NodeJS.Timeout | undefined
  #sweeping: NodeJS.Timeout | undefined

  constructor(rooms: RepeatsRooms) {
    this.#rooms = rooms
  }

  get isOn(): boolean {
    return this.#rooms.isOn()
  }

  standing(): Standing {
    return this.#rooms.standing()
  }

  /** From now on its request is known, where its answer can be given again. */
  learn({ request, address, call, reply, headers, standing }: Answering): void {
    const { recorded } = reply
    const { stored } = call.caching?.given ?? {}
    if (!recorded || !stored || !isRepeatable(call, reply) || !this.#rooms.stands(standing)) return
    const { clock } = this.#rooms
    // Up to when `age` is another number, and the key and the answer hold.
    const endsMs = Math.min(
      stored.atMs + (Number(headers.age) + 1) * SECOND_MS,
      stored.freshUntilMs,
      recorded.caller.expiresAtMs ?? Number.POSITIVE_INFINITY
    )
    this.#add({
      name: request.toString('latin1'),
      request,
      address,
      head: headOf(reply.status, headers).split(call.id),
      body: reply.body.toString('latin1'),
      recorded,
      standing,
      untilMs: clock.monotonicMs() + endsMs - clock.wallMs()
    })
  }

  find(request: Buffer, before: Known | undefined): Known | undefined {
    const isAsBefore = before?.request.equals(request) === true
    const known = isAsBefore ? (before as KnownAnswer) : this.#known.get(request.toString('latin1'))
    if (!known) return undefined
    const { clock, isOpen } = this.#rooms
    if (known.untilMs > clock.monotonicMs() && this.#rooms.stands(known.standing)) return isOpen() ? known : undefined
    this.#remove(known)
    return undefined
  }

  answer(known: Known, startedMs: number): RepeatedAnswer {
    const { clock, newId } = this.#rooms
    const { head, body, recorded } = known as KnownAnswer
    const id = newId()
    const tookMs = hundredths(clock.monotonicMs() - startedMs)
    const call = [id, clock.wallMs(), tookMs] as const
    const calls = this.#unwritten.get(recorded)
    if (calls) calls.push(call)
    else this.#unwritten.set(recorded, [call])
    this.#timer ??= setTimeout(() => this.flush(), UNWRITTEN_MS)
    return { head: `${head.join(id)}${OVERHEAD_HEADER}: ${tookMs}\r\n`, body }
  }

  /** Writes down what is not written down yet. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const unwritten = [...this.#unwritten]
    this.#unwritten.clear()
    for (const [recorded, calls] of unwritten) this.#rooms.record(recorded, calls)
  }

  #add(known: KnownAnswer): void {
    const before = this.#known.get(known.name)
    if (before) this.#remove(before)
    this.#known.set(known.name, known)
    this.#bytes += sizeOf(known)
    this.#sweepLater()
    for (const oldest of this.#known.values()) {
      if (this.#known.size <= KNOWN_MAX && this.#bytes <= BYTES_MAX) return
      this.#remove(oldest)
    }
  }

  /** What people said is not held for longer than it is of use. */
  #sweep(): void {
    this.#sweeping = undefined
    const nowMs = this.#rooms.clock.monotonicMs()
    for (const known of this.#known.values()) if (known.untilMs <= nowMs) this.#remove(known)
    if (this.#known.size > 0) this.#sweepLater()
  }

  #sweepLater(): void {
    this.#sweeping ??= setTimeout(() => this.#sweep(), SECOND_MS).unref()
  }

  #remove(known: KnownAnswer): void {
    if (this.#known.get(known.name) !== known) return
    this.#known.delete(known.name)
    this.#bytes -= sizeOf(known)
  }
}

/** Whether nothing but time passing would have the same request answered in another way, or written down in another. */
function isRepeatable({ id, caching, account, guarding, capture, headers }: Call, reply: Answering['reply']): boolean {
  const { given, policy, result } = caching!
  return (
    result === 'hit' &&
    reply.status === 200 &&
    !given!.isStale &&
    // Of several answers each call gets one by chance.
    policy.bucket === 1 &&
    !guarding &&
    !capture &&
    account?.hold.holdsSomething === false &&
    // A trace has one span of a name; a key of idempotency is of one execution.
    reply.recorded!.record.client.trace === undefined &&
    headers['idempotency-key'] === undefined &&
    !reply.body.includes(id)
  )
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100
}

function headOf(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) =>
    name === OVERHEAD_HEADER ? '' : `${name}: ${value}\r\n`
  )
  return `HTTP/1.1 ${status} OK\r\n${lines.join('')}`
}

function sizeOf({ request, body }: KnownAnswer): number {
  return 2 * request.length + body.length
}
