import type { BodyHit, BodyPartition, BodyQuery, BodyRow, BodyStore, OfferedBodies, RequestPlace } from '../bodies.ts'

/** A store of bodies that is opened when the first of them comes, or is asked for: most gateways keep none. */
export class LazyBodies implements BodyStore {
  readonly #open: () => Promise<BodyStore>
  #opened: Promise<BodyStore> | undefined

  constructor(open: () => Promise<BodyStore>) {
    this.#open = open
  }

  /** Whether anybody needed it so far. */
  get isUsed(): boolean {
    return this.#opened !== undefined
  }

  async put(rows: readonly OfferedBodies[]): Promise<void> {
    await (await this.#store()).put(rows)
  }

  async find(requestId: string, atMs: number): Promise<BodyRow | undefined> {
    return (await this.#store()).find(requestId, atMs)
  }

  async search(query: BodyQuery): Promise<BodyHit[]> {
    return (await this.#store()).search(query)
  }

  async dropBefore(ms: number): Promise<number> {
    return (await this.#store()).dropBefore(ms)
  }

  async erase(requests: readonly RequestPlace[]): Promise<void> {
    await (await this.#store()).erase(requests)
  }

  async stats(): Promise<{ partitions: BodyPartition[] }> {
    return (await this.#store()).stats()
  }

  async close(): Promise<void> {
    const store = await this.#opened?.catch(() => undefined)
    await store?.close()
  }

  /** One that could not be opened is tried again by the next who asks. */
  #store(): Promise<BodyStore> {
    this.#opened ??= this.#open().catch(thrown => {
      this.#opened = undefined
      throw thrown
    })
    return this.#opened
  }
}
