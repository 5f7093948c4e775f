/** Counts the bytes of request bodies that are held at one time, so that many large ones cannot fill the memory (D35). */
export class InFlightBytes {
  readonly max: number
  #used = 0

  constructor(max: number) {
    this.max = max
  }

  get used(): number {
    return this.#used
  }

  /** One request's part of them. */
  share(): InFlightShare {
    return new InFlightShare(this)
  }

  /** @internal */
  move(bytes: number): boolean {
    if (bytes > 0 && this.#used + bytes > this.max) return false
    this.#used += bytes
    return true
  }
}

export class InFlightShare {
  readonly #all: InFlightBytes
  #bytes = 0

  constructor(all: InFlightBytes) {
    this.#all = all
  }

  /** Raises this share to `bytes`. False, and nothing changes, where the limit would be passed. */
  raiseTo(bytes: number): boolean {
    if (bytes <= this.#bytes) return true
    if (!this.#all.move(bytes - this.#bytes)) return false
    this.#bytes = bytes
    return true
  }

  release(): void {
    this.#all.move(-this.#bytes)
    this.#bytes = 0
  }
}
