import type { RequestRow } from './rows.ts'

/** What rows of requests can be looked for by, exactly. */
export const LOG_FIELDS = [
  'org',
  'team',
  'user',
  'key',
  'customer',
  'agent',
  'session',
  'provider',
  'model',
  'model_asked',
  'dialect',
  'operation',
  'outcome',
  'code',
  'finish',
  'app',
  'trace',
  'parent',
  'config'
] as const
export type LogField = (typeof LOG_FIELDS)[number]

/** Figures of rows of requests. Money in nano-dollars, times in milliseconds. */
export const LOG_FIGURES = [
  'status',
  'attempts',
  'cost_nano',
  'total_ms',
  'first_token_ms',
  'guard_ms',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'reasoning_tokens'
] as const
export type LogFigure = (typeof LOG_FIGURES)[number]

export interface LogFilter {
  /** Milliseconds since 1970, by when the call began; `toMs` is not included. */
  fromMs?: number | undefined
  toMs?: number | undefined
  /** One of these values; the empty text is for rows that have none. */
  is?: Partial<Record<LogField, readonly string[]>>
  least?: Partial<Record<LogFigure, number>>
  most?: Partial<Record<LogFigure, number>>
  stream?: boolean | undefined
  tag?: string | undefined
  /** Calls of which a guard, a rule of one, or an action says something. */
  guard?: string | undefined
  rule?: string | undefined
  action?: string | undefined
  /** No price is known of one of its attempts. */
  unpriced?: boolean | undefined
  /** These alone: what another search has found. */
  ids?: readonly string[] | undefined
}

/** Where a page ended: the row that was last on it. */
export interface LogCursor {
  startedAtMs: number
  id: string
}

/** The rows of requests, newest first. It is asked beside the calls, never by them. */
export interface LogStore {
  search(filter: LogFilter, page: { before?: LogCursor | undefined; limit: number }): Promise<RequestRow[]>
  /** Those that are newer than a row, oldest first: for who follows along. */
  since(filter: LogFilter, page: { after: LogCursor; limit: number }): Promise<RequestRow[]>
  sessions(query: SessionQuery): Promise<SessionRow[]>
  /** How often guards looked at calls, and found something; in the order of their names. */
  guardRates(query: Omit<SessionQuery, 'limit'>): Promise<GuardRate[]>
}

export interface GuardRate {
  guard: string
  /** Calls that it looked at. */
  calls: number
  /** Those in which it found something. */
  hits: number
  /** Those of which it could not say. */
  errors: number
  /** Mean of what a look took. */
  tookMs: number
}

export interface SessionQuery {
  fromMs: number
  toMs: number
  org?: string | undefined
  limit: number
}

/** What the calls of a session came to in that time; the latest session first. */
export interface SessionRow {
  session: string
  firstMs: number
  lastMs: number
  calls: number
  failed: number
  inputTokens: number
  outputTokens: number
  costNano: bigint
  unpriced: number
  app: string | null
  agent: string | null
  key: string | null
}
