import type { ModelFacts } from '../../src/catalog/catalog.ts'
import { type Ability, UNKNOWN_ABILITIES } from '../../src/catalog/facts.ts'
import type { Clock } from '../../src/clock.ts'
import { Failure, type Kind } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import type { Asks, Facts, Step } from '../../src/routing/facts.ts'
import { Health } from '../../src/routing/health.ts'
import { plan } from '../../src/routing/plan.ts'
import { nameOf, type Route } from '../../src/routing/route.ts'

/** A clock whose hands a test moves. Begins in the middle of nowhere, so that nothing rests on zero. */
export function fakeClock(): Clock & { pass(milliseconds: number): void } {
  let nowMs = 1_234_567
  return {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    pass: milliseconds => {
      nowMs += milliseconds
    }
  }
}

export type Changes = Partial<Omit<Facts, 'asks' | 'fact'>> & {
  routes?: Record<string, Route>
  models?: Record<string, ModelFacts>
  asks?: Partial<Asks>
  says?: Record<string, Json>
}

/** What a plan knows, without a gateway: a name with a slash is a target, every provider has the one credential `a`. */
export function facts(changes: Changes = {}): Facts {
  const { routes = {}, models = {}, asks = {}, says = {}, ...rest } = changes
  return {
    lookup: name => {
      const route = Object.hasOwn(routes, name) ? routes[name] : undefined
      if (route !== undefined) return { route }
      const [provider, model] = name.split('/')
      return provider && model ? { target: { provider, model } } : undefined
    },
    credentials: () => ['a'],
    model: target => models[nameOf(target)],
    asks: { estimatedTokens: 100, outputTokensMax: undefined, abilities: [], stream: true, ...asks },
    fact: name => says[name],
    remainingMs: () => 600_000,
    totalMs: 600_000,
    wallMs: 0,
    random: () => 0.5,
    sticky: () => undefined,
    health: new Health(fakeClock()),
    wishes: {},
    ...rest
  }
}

export function modelFacts(changes: Partial<ModelFacts>): ModelFacts {
  return {
    provider: 'p',
    id: 'm',
    contextTokens: null,
    outputTokensMax: null,
    abilities: UNKNOWN_ABILITIES,
    released: null,
    retired: false,
    prices: null,
    sources: [],
    ...changes
  }
}

/** Prices in dollars per million tokens. */
export function prices(input: number, output: number, cacheRead?: number): ModelFacts['prices'] {
  const line = (usd: number) => ({ nanoUsdPerMillion: usd * 1e9 })
  const cached = cacheRead === undefined ? {} : { cache_read: line(cacheRead) }
  return [{ lines: { input: line(input), output: line(output), ...cached } }]
}

/** A model that is known not to have an ability. */
export function unable(ability: Ability): ModelFacts {
  return modelFacts({ abilities: { ...UNKNOWN_ABILITIES, [ability]: 'no' } })
}

export const fail = (kind: Kind, retryAfterMs?: number) =>
  new Failure('provider_error', kind, { kind, ...(retryAfterMs !== undefined && { retryAfterMs }) })

/** Walks a plan with these failures; what it tried, as `provider/model`, with `+wait` and `#credential` where they matter. */
export function walk(
  route: Route,
  failures: (Failure | Kind)[],
  known = facts()
): { tried: string[]; end: Failure | undefined } {
  const steps = plan(route, known)
  const tried: string[] = []
  let next = steps.next()
  for (const failure of failures) {
    if (next.done) break
    tried.push(say(next.value))
    next = steps.next(typeof failure === 'string' ? fail(failure) : failure)
  }
  if (!next.done) {
    tried.push(`${say(next.value)}…`)
    return { tried, end: undefined }
  }
  return { tried, end: next.value }
}

export function say({ target, credential, waitMs }: Step): string {
  return `${target.provider}/${target.model}${credential === 'a' ? '' : `#${credential}`}${waitMs > 0 ? `+${waitMs}` : ''}`
}

/** A model whose context is known. */
export const context = (contextTokens: number) => modelFacts({ contextTokens })
