import type { AddressInfo } from 'node:net'
import type { Checks } from './auth/checks.ts'
import type { SimLogEntry } from './log.ts'
import { Provider } from './server.ts'

export { listedDoors } from './doors.ts'
export type { Ending, SimLogEntry } from './log.ts'
export { MODELS, type Model } from './models.ts'

export interface SimOptions {
  /** 0 or absent: a free port. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Accepted credentials; empty: any credential, or none. */
  keys?: string[]
  /** Of a cloud that was started: the credentials of Azure, Google Cloud and AWS must be its own. */
  checks?: Checks
  /** Milliseconds a word of `story`; default 30. */
  paceMs?: number
  /** Ids and signatures follow from it; simulators with the same seed accept each other's signatures. */
  seed?: number
  /** Milliseconds since 1970; default the machine's time. */
  wallMs?: () => number
}

export interface Sim {
  /** `http://127.0.0.1:port`, without `/v1`. */
  url: string
  port: number
  /** Every request so far, oldest first; entries of running ones are still filled in. */
  log(): SimLogEntry[]
  /** Forgets the log, the prompt caches, what was stored and what faults remember. */
  reset(): void
  /** Breaks off what is running and frees the port. */
  close(): Promise<void>
}

/** Starts a simulated provider of every dialect on a loopback port of its own (D5, D36). */
export async function startSim(options: SimOptions = {}): Promise<Sim> {
  const { port = 0, host = '127.0.0.1', keys = [], checks, paceMs, seed = 1 } = options
  const wallMs = options.wallMs ?? (() => performance.timeOrigin + performance.now())
  const provider = new Provider({ keys, checks, paceMs, seed, wallMs })
  await new Promise<void>((resolve, reject) => {
    provider.server.once('error', reject)
    provider.server.listen(port, host, () => {
      provider.server.off('error', reject)
      resolve()
    })
  })
  const bound = (provider.server.address() as AddressInfo).port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    log: () => provider.log.entries(),
    reset: () => provider.reset(),
    close: () => provider.close()
  }
}
