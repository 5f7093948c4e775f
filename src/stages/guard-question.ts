import * as z from 'zod'
import type { DialectName } from '../dialects/canonical.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import type { Side } from '../guards/guard.ts'
import type { JsonObject } from '../json.ts'

const INPUTS_MAX = 2_048

/** What people ask the guards about: one of these. */
export const saidFields = {
  text: z.string().optional().describe('One text.'),
  input: z.array(z.string()).min(1).max(INPUTS_MAX).optional().describe('Several texts; they are judged as one call.'),
  messages: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .optional()
    .describe(
      'A conversation, as OpenAI has it. Of an answer: its last message is judged, those before are its request.'
    )
}

export const sideField = z
  .enum(['request', 'response'])
  .default('request')
  .describe('Whether it goes to a model or comes from one.')

/** What was said, and where. */
export interface Said {
  text?: string | undefined
  input?: readonly string[] | undefined
  messages?: readonly Record<string, unknown>[] | undefined
  /** All of a native request or answer, in `dialect`. */
  body?: Record<string, unknown> | undefined
  dialect?: DialectName | undefined
  side: Side
}

/** Something that guards are to judge, in the body of a dialect. */
export interface Question {
  side: Side
  dialect: Dialect
  /** What they judge: the native body of that side. */
  body: JsonObject
  /** The native request that is told to checks of either side. */
  request: JsonObject
  /** The same members as were asked about, out of the body after its guards. */
  said(after: JsonObject): JsonObject
}

const CHAT = dialects['openai-chat']
const WAYS = ['text', 'input', 'messages', 'body'] as const

/** The question in what was said. Failures: `missing_field` and `wrong_type`, with the path of the member. */
export function questionOf(said: Said): Question {
  const [way, another] = WAYS.filter(name => said[name] !== undefined)
  if (way === undefined) throw new Failure('missing_field', '"text" is required, or "messages".', { param: 'text' })
  if (another) throw new Failure('wrong_type', `Send "${way}" or "${another}", not both.`, { param: another })
  if (way === 'body') return ofBody(said)
  const { messages } = said
  return messages ? ofMessages(messages as JsonObject[], said.side) : ofTexts(said)
}

function ofBody({ side, body, dialect = CHAT.name }: Said): Question {
  const native = body as JsonObject
  const request = side === 'request' ? native : {}
  return { side, dialect: dialects[dialect], body: native, request, said: after => ({ body: after }) }
}

function ofTexts({ side, text, input }: Said): Question {
  const texts = input ?? [text!]
  const said = (after: JsonObject): JsonObject => {
    const written = messagesIn(after, side).map(({ content }) => content as string)
    return input ? { input: written } : { text: written[0]! }
  }
  if (side === 'request')
    return asked(
      texts.map(content => ({ role: 'user', content })),
      said
    )
  return answered(
    texts.map(content => ({ role: 'assistant', content })),
    [],
    said
  )
}

function ofMessages(messages: JsonObject[], side: Side): Question {
  // What no dialect can read, no guard would see.
  CHAT.decodeRequest({ model: '', messages })
  if (side === 'request') return asked(messages, after => ({ messages: messagesIn(after, side) }))
  const before = messages.slice(0, -1)
  const last = messages.at(-1)!
  if (last.role === 'assistant')
    return answered([last], before, after => ({ messages: [...before, ...messagesIn(after, side)] }))
  const param = `messages[${before.length}].role`
  throw new Failure('wrong_type', 'The last message of an answer is that of the assistant.', { param })
}

function asked(messages: JsonObject[], said: Question['said']): Question {
  const body = { messages }
  return { side: 'request', dialect: CHAT, body, request: body, said }
}

function answered(messages: JsonObject[], before: JsonObject[], said: Question['said']): Question {
  const choices = messages.map((message, index) => ({ index, message, finish_reason: 'stop' }))
  return { side: 'response', dialect: CHAT, body: { choices }, request: { messages: before }, said }
}

function messagesIn(body: JsonObject, side: Side): JsonObject[] {
  if (side === 'request') return body.messages as JsonObject[]
  return (body.choices as { message: JsonObject }[]).map(({ message }) => message)
}

const doorSchema = z.strictObject({
  ...saidFields,
  side: sideField,
  guards: z.array(z.string().max(200)).max(100).default([]),
  model: z.string().min(1).optional(),
  metadata: z.unknown().optional(),
  user: z.unknown().optional()
})

/** What is asked at the door of the guards. */
export interface DoorQuestion {
  question: Question
  /** Guards beside those of the caller. */
  guards: readonly string[]
  /** Its route's guards are asked too; undefined: it would come by no route. */
  model: string | undefined
}

/** What a body of `POST /v1/guard` asks. Failures: `missing_field` and `wrong_type`, with the path of the member. */
export function readDoorQuestion(body: JsonObject): DoorQuestion {
  const { success, data, error } = doorSchema.safeParse(body)
  if (success) return { question: questionOf(data), guards: data.guards, model: data.model }
  const [issue] = error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0]! : undefined
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])]
  const param = path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at > 0 ? '.' : ''}${String(step)}`))
    .join('')
  const words = unknown === undefined ? issue?.message : 'there is no such member'
  throw new Failure('wrong_type', `"${param.slice(0, 100)}": ${words}.`, { param })
}

/** The guards among these that look at that side. Failure `wrong_type`, with the path of the name that is wrong. */
export function namedGuards<Each extends { name: string; sides: readonly Side[] }>(
  names: readonly string[],
  all: readonly Each[],
  side: Side
): Each[] {
  return names.map((name, index) => {
    const param = `guards[${index}]`
    const guard = all.find(each => each.name === name)
    if (!guard) throw new Failure('wrong_type', `No guard has the name "${name}".`, { param })
    if (guard.sides.includes(side)) return guard
    throw new Failure('wrong_type', `The guard "${name}" does not look at a ${side}.`, { param })
  })
}

/** The model that a native request names; the address of a call says it in some dialects. */
export function modelOf({ request, dialect }: Question): string {
  const model = dialect.members.model && request[dialect.members.model]
  return typeof model === 'string' ? model : NO_MODEL
}

/** Stands for the model where nobody names one. */
export const NO_MODEL = 'gatehouse/guards'
