import * as z from 'zod'
import type { ListedGuard } from '../build/guard-desk.ts'
import type { DialectName } from '../dialects/canonical.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import { stops } from '../guards/attached.ts'
import type { GuardTrial, Trial } from '../guards/trial.ts'
import type { JsonObject } from '../json.ts'
import { modelOf, type Question, questionOf, saidFields, sideField } from '../stages/guard-question.ts'
import { text, texts } from './replies.ts'
import { type Asked, type Route, route } from './route.ts'

/** What guards read in a few milliseconds each: a test must not hold up calls. */
const TEST_BYTES_MAX = 128 * 1024

const testBody = z.strictObject({
  ...saidFields,
  body: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('All of a native request, or of a native answer, in `dialect`.'),
  dialect: z.enum(Object.keys(dialects) as DialectName[]).default('openai-chat'),
  side: sideField,
  model: z.string().min(1).optional().describe('What checks are told was asked for. Without it: what `body` says.'),
  guards: z.array(z.string()).max(100).optional().describe('Names of guards. Without it: all that look at that side.')
})

const number = z.number()

const spanReply = z
  .object({
    rule: text,
    score: number,
    path: text.optional().describe('Which text it is of.'),
    start: number.optional().describe('In UTF-16 units, of the text as checks read it.'),
    end: number.optional(),
    label: text.optional(),
    reason: text.optional()
  })
  .meta({ id: 'GuardSpan' })

const trialReply = z
  .object({
    guard: text,
    check: text,
    verdict: z
      .enum(['allow', 'block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry', 'error'])
      .describe('What the guard would do; `error`: its check could not say.'),
    ms: number.describe('What the check took, in milliseconds.'),
    count: number.describe('Findings, those too that are not shown.'),
    spans: z.array(spanReply)
  })
  .meta({ id: 'GuardTrial' })

const testReply = z
  .object({
    action: z.enum(['allow', 'flag', 'mask', 'block']).describe('What would become of a call, of all of them.'),
    guards: z.array(trialReply),
    text: text.optional().describe('What was sent, with all that is masked replaced; also where a guard would block.'),
    input: texts.optional(),
    messages: z.array(z.record(z.string(), z.unknown())).optional(),
    body: z.record(z.string(), z.unknown()).optional()
  })
  .meta({ id: 'GuardTest' })

const guardReply = z
  .object({
    name: text,
    check: text,
    on: z.array(z.enum(['request', 'response'])),
    action: text,
    always: z.boolean().describe('On every call of the gateway.'),
    routes: texts.describe('Routes of the configuration that name it.'),
    keys: texts.describe('Keys of the configuration that name it; keys that were made since say so themselves.'),
    teams: texts.describe('Teams of the configuration that name it.'),
    scope: text,
    on_error: z.enum(['open', 'closed']),
    on_stream: z.enum(['hold', 'refuse']),
    timeout_ms: number,
    sample: number,
    conditional: z.boolean().describe('It looks at calls that its `when` holds of.'),
    group: text.optional()
  })
  .meta({ id: 'Guard' })

const tag = 'guards'

export const guardRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/guards',
    permission: ['guards:test', 'system:read'],
    tag,
    summary: 'Lists the guards of the configuration, with where they are attached.',
    reply: z.object({ data: z.array(guardReply), next: z.null() }),
    keepsNothing: true,
    run: ({ guards }) => ({ data: guards.list().map(shownGuard), next: null })
  }),
  route({
    method: 'POST',
    path: '/guards/test',
    permission: 'guards:test',
    tag,
    summary: 'What guards say of a text, a conversation or a native body: verdicts, places, and the masked text.',
    body: testBody,
    bodyBytesMax: TEST_BYTES_MAX,
    reply: testReply,
    keepsNothing: true,
    run: tested
  })
]

async function tested({ body, guards }: Asked<unknown, z.output<typeof testBody>>): Promise<JsonObject> {
  const question = inOurWords(() => questionOf(body))
  const model = body.model ?? modelOf(question)
  return shownTrial(question, await inOurWords(() => guards.test(question, body.guards, model)))
}

/** The same refusal, with the code that the admin API has for what is wrong with its input. */
function inOurWords<Result>(run: () => Result): Result {
  const said = (thrown: unknown): never => {
    const isOfInput = thrown instanceof Failure && thrown.kind === 'bad_request' && thrown.param !== undefined
    if (!isOfInput) throw thrown
    throw new Failure('invalid_input', thrown.message, { param: thrown.param! })
  }
  try {
    const result = run()
    return result instanceof Promise ? (result.catch(said) as Result) : result
  } catch (thrown) {
    return said(thrown)
  }
}

function shownTrial(question: Question, { after, guards }: Trial): JsonObject {
  const trials = guards.map(shownOne)
  const verdicts = new Set(trials.map(({ verdict }) => verdict))
  const isBlocked = guards.some(trial => trial.count > 0 && stops(trial.guard.action)) || guards.some(isClosed)
  const isMasked = verdicts.has('mask') || verdicts.has('restore')
  const action = isBlocked ? 'block' : isMasked ? 'mask' : verdicts.has('flag') ? 'flag' : 'allow'
  return { action, guards: trials as unknown as JsonObject[], ...question.said(after.object()) }
}

/** Nothing passes a guard that cannot say, where it is closed then. */
function isClosed({ failed, guard }: GuardTrial): boolean {
  return failed && guard.failsClosed
}

function shownOne({ guard, failed, findings, count, tookMs }: GuardTrial) {
  return {
    guard: guard.name,
    check: guard.kind,
    verdict: failed ? 'error' : count > 0 ? guard.action : 'allow',
    ms: Math.round(tookMs * 1_000) / 1_000,
    count,
    spans: findings
  }
}

function shownGuard({ onError, onStream, timeoutMs, ...rest }: ListedGuard) {
  return { ...rest, on_error: onError, on_stream: onStream, timeout_ms: timeoutMs }
}
