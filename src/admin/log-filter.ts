import * as z from 'zod'
import { invalid } from '../access/changes.ts'
import { idText, moment as momentInput } from '../access/fields.ts'
import type { Actor } from '../access/permissions.ts'
import { parseUsd } from '../nano.ts'
import { LOG_FIELDS, type LogCursor, type LogField, type LogFigure, type LogFilter } from '../stores/logs.ts'
import type { RequestRow } from '../stores/rows.ts'

/** Filters of the log, as query texts. */

const VALUE_CHARS_MAX = 512
const ONE_OF_MAX = 50

const value = z.string().max(VALUE_CHARS_MAX)
/** Given once, or several times for any of them. */
const oneOf = z.union([value, z.array(value).min(1).max(ONE_OF_MAX)]).transform(given => [given].flat())
const yesNo = z.enum(['true', 'false']).transform(text => text === 'true')

/** Figures by the name of their query, without `min_` or `max_`. */
const FIGURES = {
  status: 'status',
  attempts: 'attempts',
  cost_usd: 'cost_nano',
  total_ms: 'total_ms',
  first_token_ms: 'first_token_ms',
  guard_ms: 'guard_ms',
  input_tokens: 'input_tokens',
  output_tokens: 'output_tokens',
  cache_read_tokens: 'cache_read_tokens',
  reasoning_tokens: 'reasoning_tokens'
} as const satisfies Record<string, LogFigure>
type Figure = keyof typeof FIGURES
const figures = Object.keys(FIGURES) as Figure[]

const amount = z
  .string()
  .max(30)
  .transform((text, context) => {
    const read = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (Number.isFinite(read)) return text
    context.addIssue({ code: 'custom', message: 'expected a number, 0 or above' })
    return z.NEVER
  })
const bounds = Object.fromEntries(
  figures.flatMap(name => [
    [`min_${name}`, amount.optional()],
    [`max_${name}`, amount.optional()]
  ])
) as Record<`${'min' | 'max'}_${Figure}`, z.ZodOptional<typeof amount>>

const fields = Object.fromEntries(LOG_FIELDS.map(name => [name, oneOf.optional()])) as Record<
  LogField,
  z.ZodOptional<typeof oneOf>
>

export const filterQuery = {
  from: momentInput.optional().describe('Calls that began then or later.'),
  to: momentInput.optional().describe('Calls that began before then.'),
  ...fields,
  ...bounds,
  stream: yesNo.optional(),
  unpriced: yesNo.optional().describe('Calls of which a price is not known, or those of which all are.'),
  tag: idText.optional(),
  guard: value.min(1).optional().describe('Calls in which this guard found something.'),
  rule: value.min(1).optional(),
  action: value.min(1).optional().describe('What guards did: `block`, `mask`, …; `pass`: they found nothing.'),
  q: value
    .min(1)
    .optional()
    .describe('Calls that brought all these words, where bodies are kept. Needs `logs:read_content`.')
}

const filterSchema = z.strictObject(filterQuery)
export type FilterQuery = z.output<typeof filterSchema>

/** What was asked for, held to what the actor sees. */
export function filterOf(query: FilterQuery, actor: Actor): LogFilter {
  const is: Partial<Record<LogField, readonly string[]>> = {}
  for (const name of LOG_FIELDS) if (query[name]) is[name] = query[name]
  if (actor.org !== undefined) {
    if (is.org && !is.org.every(org => org === actor.org)) throw invalid('org', 'You see your own organisation alone.')
    is.org = [actor.org]
  }
  const { from, to, stream, unpriced, tag, guard, rule, action } = query
  return {
    fromMs: from,
    toMs: to,
    is,
    least: boundsIn(query, 'min'),
    most: boundsIn(query, 'max'),
    stream,
    unpriced,
    tag,
    guard,
    rule,
    action
  }
}

function boundsIn(query: FilterQuery, side: 'min' | 'max'): Partial<Record<LogFigure, number>> {
  const found: Partial<Record<LogFigure, number>> = {}
  for (const name of figures) {
    const param = `${side}_${name}` as const
    const bound = query[param]
    if (bound === undefined) continue
    const value = name === 'cost_usd' ? parseUsd(bound) : Number(bound)
    if (value === undefined) throw invalid(param, 'expected US dollars, no finer than a nano-dollar')
    found[FIGURES[name]] = value
  }
  return found
}

/** Where a page ended, as one text. */
export function cursorText({ startedAtMs, id }: Pick<RequestRow, 'startedAtMs' | 'id'>): string {
  return `${startedAtMs}.${id}`
}

export function cursorIn(text: string | undefined, param: string): LogCursor | undefined {
  if (text === undefined) return undefined
  const [, ms, id] = /^(\d{1,15})\.(.{1,200})$/.exec(text) ?? []
  if (ms === undefined || id === undefined) throw invalid(param, 'expected `next` of the page before')
  return { startedAtMs: Number(ms), id }
}
