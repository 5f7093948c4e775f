import * as z from 'zod'
import { invalid } from '../access/changes.ts'
import { moment as momentInput } from '../access/fields.ts'
import { type Actor, may, must } from '../access/permissions.ts'
import { Failure } from '../errors.ts'
import { duration } from '../fields.ts'
import { usdText } from '../nano.ts'
import type { Simulation, Times } from '../simulate/report.ts'
import type { LogOf } from '../simulate/simulate.ts'
import type { RequestRow } from '../stores/rows.ts'
import type { Governance } from './governance.ts'
import { noted } from './noted.ts'
import { moment, momentText, text, textOrNull } from './replies.ts'
import { type Asked, type Route, route } from './route.ts'

/** A configuration that people write is a tenth of it; reading one holds everybody up. */
const CONFIG_CHARS_MAX = 256 * 1024
const CALLS_MAX = 100_000
const PAGE = 100
const TARGETS_MAX = 10_000
const DAY_MS = 86_400_000
/** Each holds the calls it goes through in memory. */
const AT_ONCE_MAX = 2

const simulateInput = z.strictObject({
  config: z.string().max(CONFIG_CHARS_MAX).describe('The proposed configuration, as YAML or JSON.'),
  last: duration.optional().describe('The time until now, as `24h`. Without it and `from`: 24 hours.'),
  from: momentInput.optional(),
  to: momentInput.optional(),
  limit: z.number().int().min(1).max(CALLS_MAX).default(10_000).describe('Calls at most; the newest.'),
  assume: z
    .enum(['as_logged', 'no_failures'])
    .default('as_logged')
    .describe('How often targets fail: as often as they did in that time, or never.')
})

const calls = z.number().describe('Expected: where chance decides it need not be whole.')
const timesReply = z
  .object({ mean: z.number(), p50: z.number(), p95: z.number() })
  .nullable()
  .describe('Milliseconds; null: nothing is known.')

const simulationReply = z.object({
  from: momentText,
  to: momentText,
  calls: z.number().describe('Calls that were gone through, and that the configuration has a say in.'),
  truncated: z.boolean().describe('There were more than `limit`.'),
  left_alone: z.record(z.string(), z.number()).describe('Calls that it has no say in, by why.'),
  moved: calls.describe('Calls that another target would answer, or none any more, or one now.'),
  moves: z.array(z.object({ from: textOrNull, to: textOrNull, calls })).describe('Null: nobody answers.'),
  targets: z.array(
    z.object({
      target: text,
      calls_before: z.number(),
      calls_after: calls,
      share_before: z.number(),
      share_after: z.number(),
      cost_before_usd: text,
      cost_after_usd: text,
      times_ms: timesReply
    })
  ),
  refused: z.array(
    z.object({
      code: text,
      calls: z.number(),
      was_answered: z.number().describe('Those of them that somebody answered before.'),
      example: text
    })
  ),
  failing: calls.describe('Calls that every target fails.'),
  cost: z.object({
    before_usd: text,
    after_usd: text.describe('The same tokens, at the prices of the proposed configuration.'),
    unknown_before: z.number().describe('Calls without a price.'),
    unknown_after: z.number()
  }),
  latency: z.object({ before_ms: timesReply, after_ms: timesReply, unknown_after: calls }),
  unknown: z
    .object({ calls: z.number(), facts: z.record(z.string(), z.number()) })
    .describe('Calls of which a condition asks for what the log does not have: it is taken to be absent.'),
  drawn: z.number().describe('Calls whose way a split decides: each share is what its weight says.')
})

let running = 0

export const simulateRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/simulate',
    permission: 'routes:explain',
    tag: 'routes',
    summary:
      'What a proposed configuration would have made of the calls in the log. No call is made. Who may read what was ' +
      'said has conditions on bodies answered, too, where they were kept in full; the audit log says so.',
    body: simulateInput,
    // Escaped, a character may be six.
    bodyBytesMax: CONFIG_CHARS_MAX * 6,
    reply: simulationReply,
    async run(asked) {
      const { actor, body, governance, simulator } = asked
      must(actor, 'logs:read_metadata')
      const { fromMs, toMs } = rangeOf(body, governance)
      if (running >= AT_ONCE_MAX) {
        throw new Failure('overloaded', `${AT_ONCE_MAX} simulations are running already.`, { retryAfterMs: 5_000 })
      }
      running++
      try {
        await governance.flush()
        const where = actor.org === undefined ? {} : { org: actor.org }
        const attempts =
          body.assume === 'no_failures'
            ? []
            : await governance.stores.ledger.usage({
                of: 'attempts',
                fromMs,
                toMs,
                groupBy: ['provider', 'model', 'failure'],
                where,
                percentiles: true,
                limit: TARGETS_MAX
              })
        const rows = pages(governance, actor, fromMs, toMs)
        const simulation = await simulator.simulate(body.config, {
          rows,
          attempts,
          limit: body.limit,
          bodyOf: bodies(asked)
        })
        return { from: moment(fromMs), to: moment(toMs), ...shown(simulation) }
      } finally {
        running--
      }
    }
  })
]

/** Bodies, for who may read them; that it was done is written down once. Absent: by rows alone. */
function bodies(asked: Pick<Asked, 'actor' | 'governance' | 'tools'>): LogOf['bodyOf'] {
  const { bodies } = asked.governance
  if (!bodies || !may(asked.actor, 'logs:read_content')) return undefined
  let noting: Promise<void> | undefined
  return async ({ id, atMs }) => {
    noting ??= noted(asked, 'logs:simulate', 'requests')
    await noting
    const kept = await bodies.find(id, atMs)
    return kept?.level === 'full' ? kept.received : undefined
  }
}

function rangeOf(
  { last, from, to }: z.output<typeof simulateInput>,
  { wallMs }: Governance
): { fromMs: number; toMs: number } {
  if (last !== undefined && (from !== undefined || to !== undefined)) {
    throw invalid('last', 'give this, or `from` and `to`')
  }
  const toMs = to ?? wallMs() + 1
  const fromMs = from ?? toMs - (last ?? DAY_MS)
  if (fromMs >= toMs) throw invalid('from', 'expected a moment before `to`')
  return { fromMs, toMs }
}

async function* pages(
  { stores }: Governance,
  { org }: Actor,
  fromMs: number,
  toMs: number
): AsyncGenerator<readonly RequestRow[]> {
  const filter = { fromMs, toMs, ...(org !== undefined && { is: { org: [org] } }) }
  let before: RequestRow | undefined
  for (;;) {
    const rows = await stores.logs.search(filter, { before, limit: PAGE })
    yield rows
    if (rows.length < PAGE) return
    before = rows.at(-1)
  }
}

function shown(simulation: Simulation): Omit<z.input<typeof simulationReply>, 'from' | 'to'> {
  const { leftAlone, truncated, moved, moves, targets, refused, failing, cost, latency, unknown, drawn } = simulation
  return {
    calls: simulation.calls,
    truncated,
    left_alone: leftAlone,
    moved: rounded(moved),
    moves: moves.map(({ from, to, calls }) => ({ from, to, calls: rounded(calls) })),
    targets: targets.map(target => ({
      target: target.target,
      calls_before: target.callsBefore,
      calls_after: rounded(target.callsAfter),
      share_before: target.shareBefore,
      share_after: target.shareAfter,
      cost_before_usd: usdOf(target.costBeforeNano),
      cost_after_usd: usdOf(target.costAfterNano),
      times_ms: times(target.times)
    })),
    refused: refused.map(({ wasAnswered, ...rest }) => ({ ...rest, was_answered: wasAnswered })),
    failing: rounded(failing),
    cost: {
      before_usd: usdOf(cost.beforeNano),
      after_usd: usdOf(cost.afterNano),
      unknown_before: cost.unknownBefore,
      unknown_after: cost.unknownAfter
    },
    latency: {
      before_ms: times(latency.before),
      after_ms: times(latency.after),
      unknown_after: rounded(latency.unknownAfter)
    },
    unknown,
    drawn
  }
}

function usdOf(nano: number): string {
  return usdText(Math.round(nano))
}

/** To a hundredth of a call: what is finer is the rest of a division. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

function times(of: Times | null): Times | null {
  return of && { mean: rounded(of.mean), p50: rounded(of.p50), p95: rounded(of.p95) }
}
