import type { Kind } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { Condition } from './conditions.ts'

/** Durations in milliseconds; a route or target overrides what the configuration says for all (D12). */
export interface Timeouts {
  /** To a connected socket. */
  connectMs: number
  /** To the head of a streamed answer; a whole answer has `attemptMs`. */
  headMs: number
  /** To the first content of a stream. */
  firstTokenMs: number
  /** The same where the request asks for reasoning. */
  firstTokenReasoningMs: number
  /** Between any bytes. */
  idleMs: number
  /** Between content; pings don't count. */
  idleContentMs: number
  /** One attempt at a whole answer. */
  attemptMs: number
  /** The whole call, all attempts and waits together. */
  totalMs: number
}

/** Changes that a route makes to the native request: `set` wins over the client, `default` yields to it. */
export interface Params {
  set?: JsonObject | undefined
  default?: JsonObject | undefined
  drop?: readonly string[] | undefined
}

/** What a choice among targets goes by: time to first content, price of this request, calls under way. */
export type Best = 'fastest' | 'cheapest' | 'idle'

/** Where the ends of prefixes are marked for a provider's own cache. The client's own marks are never touched. */
export interface PromptCache {
  tools: boolean
  system: boolean
  history: boolean
  /** A shorter prefix gets no mark, nor one that the model would not keep. */
  minTokens: number
  /** How long a prefix is kept after its last use. */
  ttl: '5m' | '1h'
}

/**
 * A routing policy, as data (HOUSE 7). A string is `provider/model` or another route's name; a `*` in it stands for
 * what the `*` in the name of the route stood for.
 */
export type Route =
  | string
  | {
      use: string
      params?: Params | undefined
      timeouts?: Partial<Timeouts> | undefined
      upstream_stream?: boolean | undefined
      prompt_cache?: PromptCache | 'off' | undefined
    }
  | {
      fallback: readonly Route[]
      on?: readonly Kind[] | undefined
      /** The order is the caller's own and stands, whatever else they wish for. Never in a configuration. */
      fixed?: true | undefined
    }
  | { retry: Route; times: number; on?: readonly Kind[] | undefined }
  | Split
  /** The first whose condition holds. */
  | { when: readonly { if: Condition; then: Route }[]; else: Route }
  /** The best one now; the others, in order, are its fallbacks. */
  | { best: Best; of: readonly Route[]; on?: readonly Kind[] | undefined }
  /** `with` begins beside `hedge` when that has sent no content for `after` (milliseconds, or its own p95). */
  | { hedge: Route; with: Route; after: number | 'p95' }

export interface Split {
  split: readonly { weight: number; to: Route }[]
  sticky_by?: string | undefined
}

/** What a route says of streams. */
export interface StreamPolicy {
  /** A stream that breaks after its first content ends with an error, or is gone on with by the plan's next target. */
  recovery?: 'error' | 'continue' | undefined
  /** A stream is passed on as it comes, or held until it is whole. */
  replyMode?: 'stream' | 'whole' | undefined
}

/** Where an attempt goes. */
export interface Target {
  provider: string
  model: string
  params?: Params | undefined
  timeouts?: Partial<Timeouts> | undefined
  streams?: StreamPolicy | undefined
  /** A whole answer is asked for as a stream and put together here, so that silence is seen early (D12). */
  upstreamStream?: boolean | undefined
  /** Marks for the provider's own cache; absent: none. */
  promptCache?: PromptCache | undefined
  /** Calls of one session keep to one credential. */
  sticky?: boolean | undefined
}

/** The stable name of a target: circuits, measurements and explanations go by it. */
export function nameOf({ provider, model }: Pick<Target, 'provider' | 'model'>): string {
  return `${provider}/${model}`
}

/** How deep a route may nest with every name followed, and how many attempts one call may have. */
export const DEPTH_MAX = 8
export const ATTEMPTS_MAX = 20
