import type { BusTopic } from './bus.ts'

/** How often the server is asked who listens: by it is known, too, whether it is still there. */
export const COUNT_MS = 5_000

const TOPICS: ReadonlySet<string> = new Set<BusTopic>(['access', 'money'])

/** Who hears what comes in, within this process. */
export class Listeners {
  readonly #hearers = new Set<(topic: BusTopic) => void>()

  add(hear: (topic: BusTopic) => void): () => void {
    // A function of its own: who listens twice hears twice, and stops once at a time.
    const hearer = (topic: BusTopic) => hear(topic)
    this.#hearers.add(hearer)
    return () => void this.#hearers.delete(hearer)
  }

  /** What nobody here knows comes from a newer version. */
  heard(topic: string | undefined): void {
    if (topic !== undefined && TOPICS.has(topic)) for (const hear of this.#hearers) hear(topic as BusTopic)
  }

  /** After a time in which nothing could be heard. */
  heardNothing(): void {
    for (const topic of TOPICS) this.heard(topic)
  }
}
