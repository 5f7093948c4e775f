/**
 * The tables, the same in both engines: texts, integers, and JSON as text where nothing is searched for inside. Flags are
 * 0 or 1, times milliseconds since 1970, money nano-dollars.
 */
export interface Tables {
  migrations: { number: number }
  /** Small facts, and `version`: what caches compare. */
  meta: { name: string; value: string }
  keys: { id: string; name: string; parent: string | null; last_used_at: number | null; row: string }
  key_secrets: {
    scheme: string
    digest: string
    key_id: string
    hint: string
    created_at: number
    expires_at: number | null
  }
  tenants: { kind: string; id: string; row: string }
  admins: RowTable
  budgets: RowTable
  rate_limits: RowTable
  prices: RowTable
  audit: { seq: number; row: string }
  attempts: AttemptColumns
  attempt_tags: { tag: string; attempt_id: string; started_at: number }
  requests: RequestColumns
  request_tags: { tag: string; request_id: string; started_at: number }
  views: RowTable
  feedback: {
    id: string
    request_id: string
    at: number
    score: number | null
    label: string | null
    comment: string | null
    key_name: string | null
  }
  /** The last number is in `meta`. */
  cache_purges: { seq: number; at: number; what: string }
  request_verdicts: {
    guard: string
    rule: string
    side: string
    action: string
    request_id: string
    started_at: number
    took_ms: number
  }
}

export interface RowTable {
  id: string
  row: string
}

interface PayerColumns {
  org: string | null
  team: string | null
  user_id: string | null
  key_name: string | null
  customer: string | null
  agent: string | null
  session: string | null
  tags: string | null
}

interface UsageColumns {
  input_tokens: number | null
  output_tokens: number | null
  cache_read_tokens: number | null
  cache_write_tokens: number | null
  reasoning_tokens: number | null
  /** All of it, as JSON. */
  usage: string | null
}

export interface AttemptColumns extends PayerColumns, UsageColumns {
  id: string
  request_id: string
  number: number
  state: string
  started_at: number
  finished_at: number | null
  provider: string
  model: string
  held_nano: number | null
  cost_nano: number | null
  lines: string | null
  price_version: string
  usage_source: string
  outcome: string | null
  failure: string | null
  marks: string
  first_token_ms: number | null
}

export interface RequestColumns extends PayerColumns, UsageColumns {
  id: string
  started_at: number
  finished_at: number
  dialect: string
  operation: string
  stream: number
  model_asked: string
  provider: string | null
  model: string | null
  attempts: number
  status: number
  outcome: string
  code: string | null
  cost_nano: number | null
  first_token_ms: number | null
  total_ms: number
  config_digest: string
  finish: string | null
  app: string | null
  trace: string | null
  parent: string | null
  admitted_ms: number | null
  guard_ms: number | null
  waited_ms: number | null
  held_ms: number | null
  cache: string | null
  saved_nano: number | null
  saved_ms: number | null
  prompt_saved_nano: number | null
  verdicts: string | null
  details: string | null
}
