import * as z from 'zod'
import { duration, named } from '../fields.ts'
import { checks } from '../guards/checks/index.ts'
import type { Action, CheckKind, Side } from '../guards/guard.ts'
import { nearest } from '../nearest.ts'
import { conditionSchema } from '../routing/condition-schema.ts'
import type { Condition } from '../routing/conditions.ts'

/** One entry of `guards`, read. */
export interface GuardEntry {
  check: string
  always: boolean
  on: readonly Side[]
  action: Action
  scope: 'everything' | 'newest'
  onError: 'open' | 'closed'
  timeoutMs: number
  /** From 0 to 1. */
  sample: number
  when?: Condition
  group?: string
  onStream: 'hold' | 'refuse'
  /** The check's own, read by its schema. */
  options: unknown
}

/** Every check there is, by name. */
export const CHECKS = checks as unknown as Readonly<Record<string, CheckKind>>

/** What every guard has beside its check's own options. */
function common({ name, summary, sides, actions }: CheckKind) {
  return {
    check: z.literal(name).describe(summary),
    always: z
      .boolean()
      .default(false)
      .describe('On every call of the gateway. Without it: where routes, keys and teams name it under `guards`.'),
    on: z
      .array(z.enum(sides))
      .min(1)
      .optional()
      .describe('What it looks at. Without it: all that the check can look at.'),
    action: z.enum(actions).optional().describe('What becomes of a finding. Without it: what fits the check.'),
    scope: z
      .enum(['everything', 'newest'])
      .default('everything')
      .describe('Of a request: all of it, or what came after the last answer alone.'),
    on_error: z
      .enum(['open', 'closed'])
      .optional()
      .describe(
        'When the check fails or is late: the call goes on (`open`) or gets 503 (`closed`). Without it: `closed` for checks of security, `open` for those of quality.'
      ),
    timeout: duration.prefault('5s').describe('How long one look may take, where the check asks outside.'),
    sample: z.number().min(0).max(1).default(1).describe('Share of the calls that it looks at.'),
    when: z
      .lazy(() => conditionSchema)
      .optional()
      .describe('What must hold of a call for it to be looked at.'),
    group: z
      .string()
      .min(1)
      .optional()
      .describe('Guards of one group that ask outside are asked at once; all others one after the other.'),
    on_stream: z
      .enum(['hold', 'refuse'])
      .default('hold')
      .describe('Where the check can only judge a whole answer: a stream is held back to its end, or refused.')
  }
}

function entryOf(kind: CheckKind) {
  const id = `Guard${kind.name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}`
  return (kind.options as z.ZodObject).safeExtend(common(kind)).meta({ id, description: kind.summary })
}

type Entry = z.output<z.ZodObject<ReturnType<typeof common>>>
type Entries = [ReturnType<typeof entryOf>, ...ReturnType<typeof entryOf>[]]

const entrySchema = z
  .discriminatedUnion('check', Object.values(CHECKS).map(entryOf) as Entries, {
    error: issue => sayCheck(issue.input)
  })
  .transform((entry, context): GuardEntry => {
    const { check, always, on, action, scope, on_error, timeout, sample, when, group, on_stream, ...options } =
      entry as Entry
    const kind = CHECKS[check]!
    const done = action ?? kind.action
    const answers = done === 'reroute' || done === 'retry'
    if (answers && on?.includes('request')) {
      const message = `${done} asks for another answer: it goes with \`on: [response]\` alone`
      context.addIssue({ code: 'custom', message, path: ['on'] })
    }
    try {
      kind.create(options)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as Error).message })
    }
    return {
      check,
      always,
      on: on ?? (answers ? ['response'] : kind.sides),
      action: done,
      scope,
      onError: on_error ?? (kind.concern === 'security' ? 'closed' : 'open'),
      timeoutMs: timeout,
      sample,
      ...(when && { when }),
      ...(group !== undefined && { group }),
      onStream: on_stream,
      options
    }
  })
  .meta({ id: 'Guard', description: 'A check, and what becomes of its findings.' })

function sayCheck(input: unknown): string | undefined {
  const given = (input as { check?: unknown } | undefined)?.check
  const names = Object.keys(CHECKS)
  if (typeof given !== 'string') return `expected a guard: { check: … } with one of ${names.join(', ')}`
  if (names.includes(given)) return undefined
  const near = nearest(given, names, 3).map(name => `"${name}"`)
  const meant = near.length > 0 ? `did you mean ${near.join(', ')}?` : `there are ${names.join(', ')}`
  return `no check has the name "${given}"; ${meant}`
}

/** The section `guards`: checks under names of the user's choosing. */
export const guardsSchema = named(entrySchema)
