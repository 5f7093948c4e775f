/**
 * What voices and doors remember from call to call in one simulator: stored objects, tokens handed out. Each owner
 * asks with a function that makes its own empty memory.
 */
export class Memory {
  readonly #kept = new Map<() => unknown, unknown>()

  /** The memory made by `make`: the same one until `clear`. */
  of<T>(make: () => T): T {
    if (!this.#kept.has(make)) this.#kept.set(make, make())
    return this.#kept.get(make) as T
  }

  clear(): void {
    this.#kept.clear()
  }
}
