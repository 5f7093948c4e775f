import { setImmediate as turn } from 'node:timers/promises'
import { allowsDoor } from '../access/caller.ts'
import { declaredKeys } from '../access/key-ring.ts'
import type { Plan, Plant } from '../build.ts'
import { ConfigProblems, type LoadedConfig, loadConfig } from '../config/index.ts'
import { Failure } from '../errors.ts'
import { costOf } from '../money/price.ts'
import type { Tariff } from '../money/price-book.ts'
import type { Random } from '../random.ts'
import type { Simulation } from '../simulate/report.ts'
import { type LogOf, type Proposed, simulate } from '../simulate/simulate.ts'
import { callersOf, storedKeys } from './callers-of.ts'
import { buildDirectory } from './directory.ts'
import { maskedEnv, maskedFile } from './masked.ts'
import { buildMoney } from './money.ts'
import { demandsIn } from './residency.ts'

/** Tries a configuration on calls of the past. */
export interface Simulator {
  /** Failure `invalid_input`, with what is wrong, for a text that is no configuration. */
  simulate(text: string, log: LogOf): Promise<Simulation>
}

/** Whoever proposes a configuration must not learn by it what the gateway's own variables and files hold. */
export function buildSimulator(
  plant: Plant,
  running: () => Plan,
  { env, breakage }: { env: Readonly<Record<string, string | undefined>>; breakage?: string }
): Simulator {
  const rooms = { clock: plant.clock, breaks: breakage === 'conditions' }
  return {
    async simulate(text, log) {
      const loaded = load(text, env)
      // Both take some milliseconds; calls go on between them.
      await turn()
      return simulate(log, proposedOf(loaded, running(), plant, env), rooms)
    }
  }
}

function load(text: string, env: Readonly<Record<string, string | undefined>>): LoadedConfig {
  try {
    return loadConfig({ path: undefined, text, env: maskedEnv(env), readFile: maskedFile })
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblems)) throw thrown
    throw new Failure('invalid_input', `The configuration is none: ${thrown.message.replaceAll('\n', '; ')}`, {
      param: 'config'
    })
  }
}

/** What chance decides beside the route (which credential) makes no difference to where a call goes. */
const NO_CHANCE: Random = { id: () => '', chance: () => 0 }

function proposedOf(
  loaded: LoadedConfig,
  running: Plan,
  plant: Plant,
  env: Readonly<Record<string, string | undefined>>
): Proposed {
  const { config } = loaded
  const { clock } = plant
  // Its address is of no account here: nothing is sent.
  const simUrl = plant.simUrl ?? (config.sim === true ? 'http://127.0.0.1:0' : undefined)
  const { providers, names } = buildDirectory(loaded, simUrl, maskedEnv(env))
  const prices = buildMoney({ config, providers }, plant).prices()
  const nowMs = clock.wallMs()
  const tariffs = new Map<string, Tariff>()
  const tariffOf = (provider: string, model: string) => {
    const name = `${provider}/${model}`
    const tariff = tariffs.get(name) ?? prices.pricesFor(provider, model, nowMs)
    tariffs.set(name, tariff)
    return tariff
  }
  const isFree = (provider: string, tariff: Tariff) => tariff.prices === null && providers.get(provider)?.simulated
  const ownTags = new Map<string, readonly string[]>()
  return {
    routing: health => ({
      names,
      providers,
      demandsOn: demandsIn(config),
      totalMs: config.timeouts.totalMs,
      health,
      clock,
      random: NO_CHANCE
    }),
    async callersOf(keys) {
      const stored = await storedKeys(keys, plant)
      const declared = declaredKeys(running.config.keys)
      for (const key of keys) {
        if (key !== undefined) ownTags.set(key, (declared.get(key) ?? stored.get(key))?.caller.tags ?? [])
      }
      return callersOf(keys, stored, config, plant)
    },
    mayEnter: (caller, door) =>
      allowsDoor(caller, door) ? undefined : new Failure('not_allowed', `This key may not use the door "${door}".`),
    ownTags: key => (key === undefined ? [] : (ownTags.get(key) ?? [])),
    costAt({ operation, usage, atMs }, { provider, model }) {
      const tariff = tariffOf(provider, model)
      if (operation === 'count-tokens' || isFree(provider, tariff)) return 0
      return usage && costOf(usage, tariff, { wallMs: atMs }).nano
    },
    refusal(provider, model) {
      const tariff = tariffOf(provider, model)
      if (config.unknownPrice !== 'block' || tariff.prices !== null || isFree(provider, tariff)) return undefined
      const words = `No price is known for ${provider}/${model}, and such calls would be refused.`
      return new Failure('unpriced_model', words, { provider, model })
    }
  }
}
