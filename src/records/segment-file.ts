import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'

/** `fs.writeSync` of a buffer to the end of a file, which may write less than all of it. */
export type Write = (fd: number, bytes: Buffer) => number

export const systemWrite: Write = (fd, bytes) => writeSync(fd, bytes)

const LINE_FEED = Buffer.from('\n')
/** Less room than this is none: a disk that is full but for a line would be full, and not, at every call. */
const PROBE_BYTES = 64 * 1024

/** A new file that lines are appended to, whole or not at all. */
export class SegmentFile {
  readonly #fd: number
  readonly #write: Write
  readonly #isStrict: boolean
  #size = 0
  /** It ends in part of a line that could not be taken back. */
  #isTorn = false

  constructor(path: string, write: Write, isStrict: boolean) {
    this.#fd = openSync(path, 'ax', 0o600)
    this.#write = write
    this.#isStrict = isStrict
  }

  get size(): number {
    return this.#size
  }

  /** Returns where in the file the bytes begin. Throws where they could not be written; then nothing of them is there. */
  append(bytes: Buffer): number {
    const all = this.#isTorn ? Buffer.concat([LINE_FEED, bytes]) : bytes
    try {
      writeAll(this.#fd, all, this.#write)
      if (this.#isStrict) fdatasyncSync(this.#fd)
    } catch (thrown) {
      this.#takeBack()
      throw thrown
    }
    this.#isTorn = false
    this.#size += all.length
    return this.#size - bytes.length
  }

  close(): void {
    closeSync(this.#fd)
  }

  #takeBack(): void {
    try {
      ftruncateSync(this.#fd, this.#size)
    } catch {
      this.#size = fstatSync(this.#fd).size
      this.#isTorn = true
    }
  }
}

/** Whether there is room on a disk. Tried with a file of its own, so that nothing is half-written for the sake of a try. */
export function hasRoom(path: string, write: Write): boolean {
  try {
    const fd = openSync(path, 'w', 0o600)
    try {
      writeAll(fd, Buffer.alloc(PROBE_BYTES), write)
    } finally {
      closeSync(fd)
      rmSync(path, { force: true })
    }
    return true
  } catch {
    return false
  }
}

function writeAll(fd: number, bytes: Buffer, write: Write): void {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(write(fd, rest))
}
