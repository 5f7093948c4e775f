import type { ServerResponse } from 'node:http'
import type { SimLogEntry } from './log.ts'

/**
 * The way out of one exchange: writes with back-pressure, waits that end when the client leaves, and ways to break
 * off. Everything it does is counted in the log entry.
 */
export class Outlet {
  readonly entry: SimLogEntry
  readonly #response: ServerResponse
  readonly #sinceStartMs: () => number
  #isOver = false
  #wake: (() => void) | undefined

  constructor(response: ServerResponse, entry: SimLogEntry, sinceStartMs: () => number) {
    this.#response = response
    this.entry = entry
    this.#sinceStartMs = sinceStartMs
    response.once('close', this.#clientLeft)
    // a client that only closes its writing side has left as well: nobody waits for the answer
    response.socket?.once('end', this.#clientLeft)
  }

  /** True once nothing more can reach the client. */
  get isOver(): boolean {
    return this.#isOver
  }

  head(status: number, headers: Record<string, string | number>): void {
    if (this.#isOver) return
    this.entry.status = status
    this.#response.writeHead(status, headers)
    this.#response.flushHeaders()
  }

  /** Resolves when more may be written: at once, or after the buffer has drained. False once the client has left. */
  async write(bytes: string | Buffer): Promise<boolean> {
    if (!this.#writeNow(bytes)) return false
    if (this.#response.writableNeedDrain) {
      await this.#until(wake => {
        this.#response.once('drain', wake)
        return () => this.#response.off('drain', wake)
      })
    }
    return !this.#isOver
  }

  /** One byte a write, with a turn of the event loop between so that none are joined. */
  async writeBytewise(text: string | Buffer): Promise<boolean> {
    for (const byte of typeof text === 'string' ? Buffer.from(text) : text) {
      if (!(await this.write(Buffer.from([byte])))) return false
      await new Promise(setImmediate)
    }
    return !this.#isOver
  }

  /** Waits; false when the client left meanwhile. */
  async wait(delayMs: number): Promise<boolean> {
    if (delayMs > 0) {
      await this.#until(wake => {
        const timer = setTimeout(wake, delayMs)
        return () => clearTimeout(timer)
      })
    }
    return !this.#isOver
  }

  /** Says nothing more until the client leaves or the simulator stops. */
  async hold(): Promise<void> {
    if (!this.#isOver) await this.#until(() => () => {})
  }

  end(ending: 'ended' | 'incomplete' = 'ended'): void {
    if (!this.#settle(ending)) return
    this.#response.end()
  }

  /** Ends and closes the connection after the last byte (FIN), whatever the framing still promised. */
  endAndClose(ending: 'ended' | 'incomplete' | 'cut'): void {
    if (!this.#settle(ending)) return
    const { socket } = this.#response
    this.#response.end(() => socket?.end())
  }

  /** Destroys the connection in the middle of the reply, after what was written has left. */
  cut(): void {
    if (!this.#settle('cut')) return
    const { socket } = this.#response
    // an empty write is called back when everything before it has been handed to the kernel
    if (socket) socket.write('', () => socket.destroy())
  }

  reset(): void {
    if (!this.#settle('reset')) return
    this.#response.socket?.resetAndDestroy()
  }

  /** Marks the exchange as ended by the simulator's own stop. */
  stop(): void {
    this.#settle('closed')
  }

  #writeNow(bytes: string | Buffer): boolean {
    const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
    if (this.#isOver) {
      this.entry.bytesAfterClientClose += length
      return false
    }
    this.entry.responseBytes += length
    this.#response.write(bytes)
    return true
  }

  #clientLeft = (): void => {
    if (!this.#settle('aborted-by-client')) return
    this.entry.abortedAfterMs = this.#sinceStartMs() - this.entry.atMs
    this.#response.socket?.destroy()
  }

  #settle(ending: SimLogEntry['finish']): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.entry.finish = ending
    this.#response.off('close', this.#clientLeft)
    this.#response.socket?.off('end', this.#clientLeft)
    this.#wake?.()
    return true
  }

  #until(arm: (wake: () => void) => () => void): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        this.#wake = undefined
        disarm()
        resolve()
      }
      const disarm = arm(wake)
      this.#wake = wake
    })
  }
}
