import type { Json, JsonObject } from '../../json.ts'
import type { Nano } from '../../nano.ts'
import type { Usage } from '../../usage.ts'
import type { AttemptRow, Payers, RequestRow, VerdictRow } from '../rows.ts'
import type { AttemptColumns, RequestColumns } from './tables.ts'
import { indexed } from './text.ts'

/** Rows of the ledger, as values of the house and as columns. */

export function attemptColumns(row: AttemptRow): AttemptColumns {
  return {
    id: row.id,
    request_id: row.requestId,
    number: row.number,
    state: row.state,
    started_at: row.startedAtMs,
    finished_at: row.finishedAtMs,
    provider: row.provider,
    model: indexed(row.model),
    held_nano: row.heldNano,
    cost_nano: row.costNano,
    lines: json(row.lines),
    price_version: row.priceVersion,
    usage_source: row.usageSource,
    outcome: row.outcome,
    failure: row.failure,
    marks: JSON.stringify(row.marks),
    first_token_ms: row.firstTokenMs ?? null,
    ...payerColumns(row.payers),
    ...usageColumns(row.usage)
  }
}

export function attemptRow(columns: AttemptColumns): AttemptRow {
  return {
    id: columns.id,
    requestId: columns.request_id,
    number: columns.number,
    state: columns.state as AttemptRow['state'],
    startedAtMs: columns.started_at,
    finishedAtMs: columns.finished_at,
    provider: columns.provider,
    model: columns.model,
    payers: payersIn(columns),
    heldNano: columns.held_nano as Nano | null,
    costNano: columns.cost_nano as Nano | null,
    lines: parsed<JsonObject>(columns.lines),
    priceVersion: columns.price_version,
    usage: parsed<Partial<Usage>>(columns.usage),
    usageSource: columns.usage_source as AttemptRow['usageSource'],
    outcome: columns.outcome as AttemptRow['outcome'],
    failure: columns.failure,
    marks: parsed<string[]>(columns.marks) ?? [],
    firstTokenMs: columns.first_token_ms
  }
}

export function requestColumns(row: RequestRow): RequestColumns {
  return {
    id: row.id,
    started_at: row.startedAtMs,
    finished_at: row.finishedAtMs,
    dialect: row.dialect,
    operation: row.operation,
    stream: row.stream ? 1 : 0,
    model_asked: indexed(row.modelAsked),
    provider: row.provider,
    model: row.model === null ? null : indexed(row.model),
    attempts: row.attempts,
    status: row.status,
    outcome: row.outcome,
    code: row.code,
    cost_nano: row.costNano,
    first_token_ms: row.firstTokenMs,
    total_ms: row.totalMs,
    config_digest: row.configDigest,
    finish: row.finish,
    app: row.app,
    trace: row.trace,
    parent: row.parent,
    admitted_ms: row.admittedMs,
    guard_ms: row.guardMs,
    waited_ms: row.waitedMs,
    held_ms: row.heldMs,
    cache: row.cache,
    saved_nano: row.savedNano,
    saved_ms: row.savedMs,
    prompt_saved_nano: row.promptSavedNano,
    verdicts: row.verdicts.length === 0 ? null : JSON.stringify(row.verdicts),
    details: json(row.details),
    ...payerColumns(row.payers),
    ...usageColumns(row.usage)
  }
}

export function requestRow(columns: RequestColumns): RequestRow {
  return {
    id: columns.id,
    startedAtMs: columns.started_at,
    finishedAtMs: columns.finished_at,
    dialect: columns.dialect,
    operation: columns.operation,
    stream: columns.stream === 1,
    modelAsked: columns.model_asked,
    provider: columns.provider,
    model: columns.model,
    payers: payersIn(columns),
    attempts: columns.attempts,
    status: columns.status,
    outcome: columns.outcome as RequestRow['outcome'],
    code: columns.code,
    costNano: columns.cost_nano as Nano | null,
    usage: parsed<Partial<Usage>>(columns.usage),
    firstTokenMs: columns.first_token_ms,
    totalMs: columns.total_ms,
    configDigest: columns.config_digest,
    finish: columns.finish,
    app: columns.app,
    trace: columns.trace,
    parent: columns.parent,
    admittedMs: columns.admitted_ms,
    guardMs: columns.guard_ms,
    waitedMs: columns.waited_ms,
    heldMs: columns.held_ms,
    cache: columns.cache,
    savedNano: columns.saved_nano as Nano | null,
    savedMs: columns.saved_ms,
    promptSavedNano: columns.prompt_saved_nano,
    verdicts: parsed<VerdictRow[]>(columns.verdicts) ?? [],
    details: parsed<JsonObject>(columns.details)
  }
}

function payerColumns({ org, team, user, key, customer, agent, session, tags }: Payers) {
  return {
    org: org ?? null,
    team: team ?? null,
    user_id: user ?? null,
    key_name: key ?? null,
    customer: customer ?? null,
    agent: agent ?? null,
    session: session ?? null,
    tags: tags === undefined ? null : JSON.stringify(tags)
  }
}

function payersIn(columns: ReturnType<typeof payerColumns>): Payers {
  const { org, team, user_id: user, key_name: key, customer, agent, session } = columns
  const tags = parsed<string[]>(columns.tags)
  const all = { org, team, user, key, customer, agent, session, tags }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as Payers
}

function usageColumns(usage: Partial<Usage> | null) {
  return {
    input_tokens: usage?.inputTokens ?? null,
    output_tokens: usage?.outputTokens ?? null,
    cache_read_tokens: usage?.cacheReadTokens ?? null,
    cache_write_tokens: usage?.cacheWriteTokens ?? null,
    reasoning_tokens: usage?.reasoningTokens ?? null,
    usage: usage === null ? null : JSON.stringify(usage)
  }
}

function json(value: Json): string | null {
  return value === null ? null : JSON.stringify(value)
}

function parsed<Value>(text: string | null): Value | null {
  return text === null ? null : (JSON.parse(text) as Value)
}
