import { Secret } from '../secret.ts'
import type { Config, ParsedConfig } from './schema.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** What flags of the command line say; it wins over the file. */
export interface Overrides {
  host?: string | undefined
  port?: number | undefined
  data?: string | undefined
}

/** The variable that sets one key where no file declares any. */
export const KEY_VARIABLE = 'GATEHOUSE_KEY'

/** The file's settings under those of flags and of `GATEHOUSE_KEY`, with `auth` decided. */
export function complete(parsed: ParsedConfig, { env, overrides = {} }: { env: Env; overrides?: Overrides }): Config {
  const { host = parsed.listen.host, port = parsed.listen.port, data = parsed.stores.data } = overrides
  const keyOfEnv = env[KEY_VARIABLE]
  // A file may well hold `key: ${GATEHOUSE_KEY}` itself.
  const declared = parsed.keys.some(({ key }) => key.reveal() === keyOfEnv)
  const keys = keyOfEnv && !declared ? [...parsed.keys, { name: KEY_VARIABLE, key: new Secret(keyOfEnv) }] : parsed.keys
  return {
    listen: { host, port },
    auth: keyOfEnv ? 'keys' : (parsed.auth ?? (keys.length > 0 ? 'keys' : 'open')),
    providers: parsed.providers,
    routes: parsed.routes,
    guards: parsed.guards,
    require: parsed.require,
    keys,
    teams: parsed.teams,
    budgets: parsed.budgets,
    budgetStatus: parsed.budget_status,
    rateLimits: parsed.rate_limits,
    prices: parsed.prices,
    unknownPrice: parsed.unknown_price,
    stores: { ...parsed.stores, data },
    strict: parsed.strict,
    limits: parsed.limits,
    keepRecordsMs: parsed.keep_records,
    cache: parsed.cache,
    bodies: parsed.bodies,
    telemetry: parsed.telemetry,
    alerts: parsed.alerts,
    webhooks: parsed.webhooks,
    media: parsed.media,
    drain: parsed.drain,
    overload: parsed.overload,
    timeouts: parsed.timeouts,
    sim: parsed.sim,
    allowedOrigins: parsed.allowed_origins,
    log: parsed.log
  }
}
