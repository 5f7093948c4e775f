/** Tells other replicas that something has changed; a hint, never the truth: who misses it finds out by `version()`. */
export interface Bus {
  publish(topic: BusTopic): void | Promise<void>
  /** Hears of what others (and this process) published. Returns how to stop. */
  subscribe(hear: (topic: BusTopic) => void): () => void
  close(): Promise<void>
}

/** `access`: keys, tenants or admins changed. `money`: budgets, limits or prices did. */
export type BusTopic = 'access' | 'money'

/** A bus that replicas share, and by which they know how many they are. */
export interface SharedBus extends Bus {
  /** Gateways that listen, this one included; what was so when the server last said. At least 1. */
  replicas(): number
}
