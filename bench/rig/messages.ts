const EMPTY = Buffer.alloc(0)
const HEAD_BYTES_MAX = 64 * 1024

export interface MessageListener {
  /** Request or status line and headers, as they came, without the empty line. */
  head(head: string): void
  /** A part of the body, without its framing. It is valid during the call; the bytes are not reused. */
  body(part: Buffer): void
  end(): void
}

/**
 * Reads HTTP/1.1 messages (RFC 9112) that follow each other on one connection: the mock's requests and the generator's
 * answers. Bodies have a Content-Length or are chunked. It trusts its peers: they are the rig and the proxies under
 * test on this machine. Throws on what it cannot read.
 */
export class MessageReader {
  readonly #listener: MessageListener
  #state: 'head' | 'sized' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' = 'head'
  /** The beginning of a line or head that has not come whole yet. */
  #kept: Buffer = EMPTY
  /** Bytes still to come of the body or of the chunk. */
  #left = 0

  constructor(listener: MessageListener) {
    this.#listener = listener
  }

  /** Whether the last message has been read to its end. */
  get idle(): boolean {
    return this.#state === 'head' && this.#kept.length === 0
  }

  push(bytes: Buffer): void {
    const data = this.#kept.length > 0 ? Buffer.concat([this.#kept, bytes]) : bytes
    this.#kept = EMPTY
    let at = 0
    while (at < data.length) {
      const next = this.#step(data, at)
      if (next === undefined) {
        this.#kept = data.subarray(at)
        if (this.#kept.length > HEAD_BYTES_MAX) throw new Error('a head or line without an end')
        return
      }
      at = next
    }
  }

  /** Reads one piece at `at`; returns where the next begins, or undefined where more bytes are needed. */
  #step(data: Buffer, at: number): number | undefined {
    if (this.#state === 'head') return this.#head(data, at)
    if (this.#state === 'sized' || this.#state === 'chunk') return this.#part(data, at)
    const end = data.indexOf('\r\n', at)
    if (end === -1) return undefined
    if (this.#state === 'chunk-size') this.#chunkSize(data.toString('latin1', at, end))
    else if (this.#state === 'chunk-end') this.#state = 'chunk-size'
    else if (end === at) this.#finish()
    return end + 2
  }

  #head(data: Buffer, at: number): number | undefined {
    const end = data.indexOf('\r\n\r\n', at)
    if (end === -1) return undefined
    const head = data.toString('latin1', at, end)
    this.#listener.head(head)
    const chunked = /\r\ntransfer-encoding:[ \t]*chunked/i.test(head)
    this.#left = chunked ? 0 : Number(/\r\ncontent-length:[ \t]*(\d+)/i.exec(head)?.[1] ?? 0)
    if (chunked) this.#state = 'chunk-size'
    else if (this.#left > 0) this.#state = 'sized'
    else this.#finish()
    return end + 4
  }

  #part(data: Buffer, at: number): number {
    const end = Math.min(at + this.#left, data.length)
    this.#left -= end - at
    this.#listener.body(data.subarray(at, end))
    if (this.#left > 0) return end
    if (this.#state === 'chunk') this.#state = 'chunk-end'
    else this.#finish()
    return end
  }

  #chunkSize(line: string): void {
    const size = /^([\da-f]{1,8})(?:;|$)/i.exec(line)?.[1]
    if (size === undefined) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left > 0 ? 'chunk' : 'trailer'
  }

  #finish(): void {
    this.#state = 'head'
    this.#listener.end()
  }
}
