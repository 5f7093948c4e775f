import type { ModelFacts } from '../catalog/catalog.ts'
import type { Ability } from '../catalog/facts.ts'
import type { DataTerms, Demands } from '../residency.ts'
import type { Fact } from './conditions.ts'
import type { HealthView } from './health.ts'
import type { Passed } from './reasons.ts'
import type { Best, PromptCache, Route, StreamPolicy, Target, Timeouts } from './route.ts'

/** One attempt to make. */
export interface Step {
  target: Target
  /** Which of the provider's credentials. */
  credential: string
  /** How long to wait before, in milliseconds. */
  waitMs: number
  /** 0 for the first target of the plan, counted up with every further one, those too that were passed over as unwell. */
  fallback: number
  /**
   * Longest this attempt may take until its first content (whole: until its end), in milliseconds from when it begins:
   * a quarter of the total is kept back for targets not yet tried (D12).
   */
  deadlineMs: number
  /** Another try at the same target: taken out of its retry budget. */
  retry: boolean
  /** Another target to begin beside this one if it is slow. */
  hedge?: Hedge | undefined
  /** Candidates passed over so far; grows as the plan goes on. */
  passed: readonly Passed[]
}

export interface Hedge {
  /** How long to wait for the first content, from the beginning of the attempt. */
  afterMs: number
  /** Begins the other one: its step, or undefined where there is none to be had. Asked at most once. */
  begin(): Step | undefined
}

export type Found =
  | {
      route: Route
      timeouts?: Partial<Timeouts> | undefined
      streams?: StreamPolicy | undefined
      star?: string | undefined
      require?: Demands | undefined
      promptCache?: PromptCache | 'off' | undefined
      sticky?: 'session' | undefined
    }
  | { target: Target }

/** What the request asks of a model. Members are worked out when first read. */
export interface Asks {
  /** An estimate of the input, in tokens. */
  readonly estimatedTokens: number
  /** The cap on output, where the request has one. */
  readonly outputTokensMax: number | undefined
  readonly abilities: readonly Ability[]
  readonly stream: boolean
}

/** What one call wants of its routing, beside the model it names (`provider`, `x-gatehouse-…`). */
export interface Wishes {
  /** Providers in the order to try them; others come after them. */
  order?: readonly string[] | undefined
  only?: ReadonlySet<string> | undefined
  ignore?: ReadonlySet<string> | undefined
  /** With `order`: no provider that is not in it. */
  orderOnly?: boolean | undefined
  /** Dollars per million tokens, and per request and image, at most. */
  maxPrice?: { prompt?: number; completion?: number; request?: number; image?: number } | undefined
  sort?: Best | undefined
  noFallback?: boolean | undefined
  /** Whether the key lets this provider answer. Absent: it lets all. */
  allowed?: ((provider: string) => boolean) | undefined
  /** The one provider that has what the call refers to. */
  pinned?: string | undefined
}

/** What a plan may know; gathered before it is walked, so that it does no I/O (HOUSE 5). */
export interface Facts {
  /** A name in a route: another route (an alias), or a target. Undefined: cannot be resolved now. */
  lookup(name: string): Found | undefined
  /**
   * Ids of the provider's credentials, in the order to try them; where the target is sticky, always in the one of the
   * call's session. Never empty for a usable provider.
   */
  credentials(target: Target): readonly string[]
  /** What the configuration or the catalogue knows of the model. */
  model(target: Target): ModelFacts | undefined
  asks: Asks
  /** For conditions. */
  fact: Fact
  /** Milliseconds left until the call's deadline. */
  remainingMs(): number
  /** Milliseconds the call has in all. */
  totalMs: number
  /** Milliseconds since 1970: prices have times. */
  wallMs: number
  /** From 0 up to, not including, 1. `of`: what is decided by it, for who would have such decisions come out evenly. */
  random(of?: object): number
  /** The value a sticky split hashes, by its `sticky_by`. */
  sticky(by: string): string | undefined
  /** What calls of one session have in common, for splits that keep them together. Absent: nothing. */
  session?(): string
  health: HealthView
  wishes: Wishes
  /** What becomes of data at a provider; undefined where nobody says. Absent: nobody says of any. */
  terms?(provider: string): DataTerms | undefined
  /** What every target must fulfil: demands of the gateway, the caller and the call. Routes add theirs. */
  demands?: readonly Demands[] | undefined
}
