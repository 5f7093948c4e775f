import net from 'node:net'
import { MessageReader } from './messages.ts'
import type { Workload } from './workloads.ts'

/** How long a call may stay unanswered after the load was told to stop. */
const DRAIN_MS = 8_000

export interface Counts {
  /** Right answers, complete. */
  answers: number
  /** Events of streams. */
  events: number
  /** Reads from a socket that brought at least one event. */
  pieces: number
}

/**
 * A closed loop: each connection sends its next call when the answer to the one before is complete and right. The
 * first wrong one ends it all, and `failure` says what was wrong.
 */
export class Load {
  readonly workload: Workload
  readonly counts: Counts = { answers: 0, events: 0, pieces: 0 }
  failure: string | undefined
  readonly #connections: Connection[] = []
  readonly #timers: NodeJS.Timeout[] = []
  #running = true
  #onIdle = () => {}

  constructor(workload: Workload, port: number, request: Buffer) {
    this.workload = workload
    const { connections, rampMs } = workload
    for (let index = 0; index < connections; index++) {
      const begin = () => {
        if (this.#running) this.#connections.push(new Connection(this, port, request))
      }
      if (rampMs === 0) begin()
      else this.#timers.push(setTimeout(begin, (index * rampMs) / connections))
    }
  }

  get running(): boolean {
    return this.#running
  }

  fail(reason: string): void {
    this.failure ??= reason
    this.#running = false
    for (const connection of this.#connections) connection.destroy()
    this.#onIdle()
  }

  /** A connection has no call open any more. */
  settled(): void {
    if (this.#connections.every(connection => connection.idle)) this.#onIdle()
  }

  /** Sends no new calls and waits for the open ones, which must still be right. */
  async stop(): Promise<void> {
    this.#running = false
    for (const timer of this.#timers) clearTimeout(timer)
    if (!this.#connections.every(connection => connection.idle)) {
      const late = setTimeout(() => this.fail(`${this.#open} calls without an answer after ${DRAIN_MS} ms`), DRAIN_MS)
      await new Promise<void>(resolve => {
        this.#onIdle = resolve
      })
      clearTimeout(late)
    }
    for (const connection of this.#connections) connection.destroy()
  }

  get #open(): number {
    return this.#connections.filter(connection => !connection.idle).length
  }
}

class Connection {
  readonly #load: Load
  readonly #socket: net.Socket
  readonly #request: Buffer
  #body: Buffer[] = []
  #status = ''
  #newlineBefore = false
  #destroyed = false
  idle = false

  constructor(load: Load, port: number, request: Buffer) {
    this.#load = load
    this.#request = request
    const reader = new MessageReader({
      head: head => {
        this.#status = head.slice(0, head.indexOf('\r\n'))
      },
      body: part => this.#part(part),
      end: () => this.#end()
    })
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', bytes => this.#read(reader, bytes))
    this.#socket.on('error', error => load.fail(String(error)))
    this.#socket.on('close', () => this.#destroyed || load.fail('the connection was closed'))
    this.#send()
  }

  destroy(): void {
    this.#destroyed = true
    this.idle = true
    this.#socket.destroy()
  }

  #send(): void {
    this.#body = []
    this.#newlineBefore = false
    this.#socket.write(this.#request)
  }

  #read(reader: MessageReader, bytes: Buffer): void {
    const { counts } = this.#load
    const before = counts.events
    try {
      reader.push(bytes)
    } catch (error) {
      this.#load.fail(String(error))
    }
    if (counts.events > before) counts.pieces++
  }

  /** Keeps a part of the answer and counts the events that end in it: each ends with an empty line. */
  #part(part: Buffer): void {
    this.#body.push(part)
    if (this.#load.workload.unit === 'request') return
    const { counts } = this.#load
    let at = 0
    if (this.#newlineBefore && part[0] === 0x0a) {
      counts.events++
      at = 1
    }
    for (let end = part.indexOf('\n\n', at); end !== -1; end = part.indexOf('\n\n', at)) {
      counts.events++
      at = end + 2
    }
    this.#newlineBefore = at < part.length && part.at(-1) === 0x0a
  }

  #end(): void {
    const wrong = this.#fault(Buffer.concat(this.#body))
    if (wrong !== undefined) {
      this.#load.fail(wrong)
      return
    }
    this.#load.counts.answers++
    if (this.#load.running) {
      this.#send()
      return
    }
    this.idle = true
    this.#load.settled()
  }

  #fault(body: Buffer): string | undefined {
    if (!/^HTTP\/1\.1 200 /.test(this.#status)) return `${this.#status}: ${body.toString('utf8', 0, 300)}`
    try {
      return this.#load.workload.fault(body)
    } catch (error) {
      return `an answer that cannot be read: ${error}`
    }
  }
}
