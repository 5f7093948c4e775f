import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import type { Secret } from '../../src/secret.ts'
import { type Gatehouse, startGatehouse } from '../../src/server.ts'
import { type Sim, type SimLogEntry, type SimOptions, startSim } from '../../src/sim/index.ts'
import type { HttpLimits } from '../../src/wire/http.ts'
import type { Vitals } from '../../src/wire/vitals.ts'

export interface TestGateway {
  gateway: Gatehouse
  sim: Sim
  /** The gateway's own log, line by line, parsed. */
  lines: Record<string, unknown>[]
  /** What the provider saw since the last call of `seen`. */
  seen(): SimLogEntry[]
  close(): Promise<void>
}

export interface TestGatewayOptions {
  /** YAML after the providers; `listen` is set already. */
  yaml?: string
  /** Further providers, as YAML lines under `providers:`; `SIM` is replaced by the simulated provider's address. */
  providers?: string
  env?: Record<string, string>
  paceMs?: number
  /** Without the two providers that are the simulated one: only what `providers` says. */
  bare?: boolean
  http?: Partial<HttpLimits>
  keepAliveMs?: number
  adminToken?: Secret
  /** What ids of ours are sealed with; without it, one of its own. */
  secret?: Secret
  /** Where everything is kept; with it, `secret` is needed too. Without it nothing is kept. */
  directory?: string
  /** How the process feels. Default: well. */
  vitals?: Vitals
  /** What is turned off, to show that a proof notices. */
  breakage?: 'tenant'
  /** How the simulated provider looks at credentials. Default: it takes any. */
  sim?: Pick<SimOptions, 'keys' | 'checks'>
}

/** The credentials of the two providers: nothing that a client or a reader of the log gets may hold them. */
export const CREDENTIALS = ['sk-sim-openai-credential', 'sk-sim-anthropic-credential'] as const

/** The test shares the gateway's event loop: how late that is says nothing of the gateway. */
export const AT_EASE: Vitals = {
  everyMs: 60_000,
  openFilesMax: undefined,
  loopLagMs: () => 0,
  memoryShare: () => 0,
  close() {}
}

/**
 * A gateway on a port of the system, before a simulated provider that it knows twice: as `openai` and as `anthropic`,
 * each in one dialect only, so that crossing is a choice of model name. Both on the real socket path.
 */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const sim = await startSim({ port: 0, host: '127.0.0.1', paceMs: options.paceMs ?? 0, ...options.sim })
  try {
    return await startBefore(sim, options)
  } catch (thrown) {
    // What is left open would keep a test file from ending.
    await sim.close()
    throw thrown
  }
}

async function startBefore(sim: Sim, options: TestGatewayOptions): Promise<TestGateway> {
  const text = `
listen: 127.0.0.1:0
log: { level: info, format: json }
providers:
${options.bare ? '' : simAsBoth(sim.url)}
${(options.providers ?? '').replaceAll('SIM', sim.url)}
${options.yaml ?? ''}`
  const lines: Record<string, unknown>[] = []
  const to = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const env = options.env ?? {}
  const load = () => loadConfig({ path: undefined, text, env, readFile: () => '' })
  const first = load()
  const gateway = await startGatehouse({
    first,
    load,
    path: undefined,
    env,
    ...(options.http && { http: options.http }),
    ...(options.keepAliveMs !== undefined && { keepAliveMs: options.keepAliveMs }),
    ...(options.adminToken && { adminToken: options.adminToken }),
    ...(options.secret && { secret: options.secret }),
    vitals: options.vitals ?? AT_EASE,
    ...(options.breakage && { breakage: options.breakage }),
    ...(options.directory !== undefined && { directory: options.directory }),
    log: createLog({ ...first.config.log, to }),
    forceCanonical: process.env.FORCE_CANONICAL === '1'
  })
  let from = 0
  return {
    gateway,
    sim,
    lines,
    seen() {
      const entries = sim.log().slice(from)
      from += entries.length
      return entries
    },
    async close() {
      await gateway.drain(1_000)
      await sim.close()
    }
  }
}

/** The simulated provider under two names, each in one dialect, as lines under `providers:`. */
export function simAsBoth(url: string): string {
  const [openai, anthropic] = CREDENTIALS
  // Without the quirks of OpenAI itself, for it also stands for those of its kin that think aloud.
  return `  openai: { base_url: "${url}/v1", quirks: {}, keys: [${openai}], allow_private: ["127.0.0.0/8"] }
  anthropic: { base_url: "${url}/v1", keys: [${anthropic}], allow_private: ["127.0.0.0/8"] }`
}

/**
 * A provider of its own for each fault and dialect, as `openai-503`: what the gateway learns of one (a circuit, a
 * credential that cools) stays with it. Lines under `providers:`.
 */
export function oneForEach(faults: readonly string[]): string {
  const entry = (like: string, key: string) => (fault: string) =>
    `  ${like}-${fault}: { like: ${like}, base_url: "SIM/v1", keys: [${key}], allow_private: ["127.0.0.0/8"] }`
  const [openai, anthropic] = CREDENTIALS
  return [...faults.map(entry('openai', openai)), ...faults.map(entry('anthropic', anthropic))].join('\n')
}
