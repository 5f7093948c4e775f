import type { Operation } from '../dialects/dialect.ts'
import type { Failure, Kind } from '../errors.ts'
import type { Nano } from '../nano.ts'
import type { Usage } from '../usage.ts'

/** What telemetry reads of a call that is over: a part of what the pipeline records, in its own words. */
export interface TelemetryRecord {
  id: string
  /** When it was over, in milliseconds since 1970. */
  atMs: number
  totalMs: number
  firstTokenMs: number | undefined
  dialect: string
  operation: Operation
  stream: boolean
  /** Whatever the client wrote: never a label. */
  modelAsked: string
  status: number
  outcome: 'done' | 'failed' | 'aborted'
  failure: Pick<Failure, 'code' | 'kind'> | undefined
  usage: Partial<Usage> | undefined
  finish: string | undefined
  /** Null: a price is unknown; undefined: it never got so far. */
  costNano: Nano | null | undefined
  answered: { provider: string; model: string } | undefined
  /** In the order in which they began. */
  tries: readonly TelemetryTry[]
  /** What was spent waiting for providers and between tries, in milliseconds. */
  waitedMs: number
  /** From when to when guards looked at the request, in milliseconds since the call began. */
  guardedMs: readonly [fromMs: number, toMs: number] | undefined
  verdicts?: readonly TelemetryVerdict[]
  looks?: readonly TelemetryLook[]
  /** What the cache said, from when to when it was asked, and what that saved. */
  caching?: {
    result: 'hit' | 'miss' | 'semantic' | 'coalesced' | 'bypass'
    askedMs: readonly [fromMs: number, toMs: number]
    given?: { savedNano(): Nano | null; score?: number }
  }
  payers: { key?: string; team?: string; user?: string; customer?: string; agent?: string; session?: string }
  client: { app: string | undefined; trace: TraceContext | undefined }
  decision: { route: string | undefined; leftOut(): readonly { target: string; excludedBy: string }[] } | undefined
  configDigest: string
  capture?: Content | undefined
}

/** One attempt. Times are milliseconds since its call began. */
export interface TelemetryTry {
  id: string
  /** 1 for the first. */
  number: number
  provider: string
  model: string
  startMs: number
  firstTokenMs?: number
  /** Absent: it was not over when the call was. */
  endMs?: number
  outcome?: 'done' | 'failed' | 'aborted'
  failure?: Kind
  usage?: Partial<Usage>
  costNano?: Nano | null
}

export interface TelemetryVerdict {
  guard: string
  rule: string
  side: 'request' | 'response'
  action: string
  count: number
  score: number
}

export interface TelemetryLook {
  guard: string
  side: 'request' | 'response'
  tookMs: number
}

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  sampled: boolean
}

/** What was said, as far as it is kept. */
export interface Content {
  level: string
  received: Buffer | undefined
  answered: Buffer | undefined
}

/** `provider/model`: who is asked. */
export function targetOf({ provider, model }: { provider: string; model: string }): string {
  return `${provider}/${model}`
}
