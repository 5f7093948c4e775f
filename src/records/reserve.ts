import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'

/**
 * Room on the disk that was taken while there was some: a file of zero bytes that is written over in place, so that
 * calls under way can be recorded to their end when nothing more fits on the disk.
 */
export class Reserve {
  readonly #path: string
  readonly #bytes: number
  readonly #fd: number
  #used = 0

  /** Takes the room at once. Throws where there is none. */
  constructor(path: string, bytes: number) {
    this.#path = path
    this.#bytes = bytes
    this.#fd = openSync(path, 'w', 0o600)
    try {
      // A file that is merely made longer has no room of its own yet.
      writeAll(this.#fd, Buffer.alloc(bytes), 0)
      fdatasyncSync(this.#fd)
    } catch (thrown) {
      this.close()
      throw thrown
    }
  }

  /** Whether there was room for it. */
  write(lines: Buffer): boolean {
    if (this.#used + lines.length > this.#bytes) return false
    try {
      writeAll(this.#fd, lines, this.#used)
    } catch {
      // Such file systems write elsewhere even in place.
      return false
    }
    this.#used += lines.length
    return true
  }

  /** What was in it is written elsewhere. */
  empty(): void {
    if (this.#used > 0) writeAll(this.#fd, Buffer.alloc(this.#used), 0)
    this.#used = 0
  }

  /** Gives the room back, unless something is in it. */
  close(): void {
    closeSync(this.#fd)
    if (this.#used === 0) rmSync(this.#path, { force: true })
  }
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written)
  }
}
