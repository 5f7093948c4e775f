import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import { CallIds } from '../call-ids.ts'
import type { ChatResponse, Choice, Part } from '../canonical.ts'
import type { Losses, Outcome } from '../dialect.ts'
import { replyWithFunctions } from '../freeform.ts'
import { loseUsage } from '../members.ts'
import { decodeParts } from './decode-part.ts'
import { encodeParts, signCalls } from './encode-part.ts'
import { failureInBody } from './failure.ts'
import { decodeFinish, encodeFinish, finishOf, wordOf } from './finish.ts'
import { groundingCitations } from './grounding.ts'
import { decodeLogprobs, encodeLogprobs } from './logprobs.ts'
import { given, type Kept, lose, Members, NAME, respell, restore } from './members.ts'
import type { Spot } from './spot.ts'
import { decodeUsage, encodeUsage, UNSAID } from './usage.ts'

/** Who answered and when: the same members in a whole reply and in every chunk of a stream. */
export type Head = Pick<ChatResponse, 'id' | 'model' | 'created'>

export function decodeHead(members: Members): Head {
  const id = members.maybeString('responseId')
  if (id === undefined) members.omit('responseId')
  const model = members.maybeString('modelVersion')
  if (model === undefined) members.omit('modelVersion')
  const time = members.maybeString('createTime')
  if (time !== undefined) members.spell('createTime', time)
  const seconds = time === undefined ? Number.NaN : Math.floor(Date.parse(time) / 1000)
  return { id: id ?? '', model: model ?? '', ...(Number.isNaN(seconds) ? {} : { created: seconds }) }
}

/** The choice that stands for no candidates at all: the prompt was refused. */
export function blocked(feedback: Json | undefined): Choice | undefined {
  const reason = isObject(feedback) ? (feedback.blockReason ?? feedback.block_reason) : undefined
  if (reason === undefined || reason === null) return undefined
  const finish = { ...finishOf(wordOf(reason), false), unified: 'content-filter' as const }
  return { index: 0, parts: [], finish, spelling: { maker: NAME, value: { [NOBODY]: true } } }
}

/** Of a choice that no candidate said. */
const NOBODY = '\u0000nobody'

export function isNobody({ spelling }: Kept): boolean {
  return spelling?.maker === NAME && isObject(spelling.value) && spelling.value[NOBODY] === true
}

/** Reads a whole reply. Throws a Failure `provider_malformed` on a body that is none, and the failure that one says. */
export function decodeResponse(body: JsonObject): ChatResponse {
  if (isObject(body.error)) throw failureInBody(body)
  const members = new Members(body, '', 'reply')
  const head = decodeHead(members)
  const usage = decodeReport(members)
  const candidates = members.maybeList('candidates') ?? []
  const choices = candidates.map((each, index) => decodeCandidate(each, index, head.id))
  const nobody = choices.length === 0 ? blocked(members.peek('promptFeedback')) : undefined
  if (nobody) choices.push(nobody)
  if (choices.length === 0) throw unanswered()
  return {
    ...head,
    choices,
    ...given({ usage }),
    ...members.kept()
  }
}

/** Where nothing was counted (a refused prompt at Vertex AI), there is no usage. */
function decodeReport(members: Members): ChatResponse['usage'] {
  const report = members.maybeObject('usageMetadata')
  const usage = report && decodeUsage(report)
  if (usage?.inputTokens !== undefined || usage?.outputTokens !== undefined)
    return { inputTokens: 0, outputTokens: 0, ...usage }
  if (report) members.spell('usageMetadata', report)
  return undefined
}

function unanswered(): Failure {
  return new Failure('provider_malformed', 'The provider answered without candidates.')
}

function decodeCandidate(value: Json, position: number, responseId: string): Choice {
  const members = new Members(value, `candidates[${position}]`, 'reply')
  const index = decodeIndex(members, position)
  const content = members.nested('content')
  const parts = content ? decodeContent(content, new CallIds(`${responseId}${index || ''}`)) : []
  if (!content) members.omit('content')
  const finish = decodeFinish(members, hasCalls(parts))
  const cited = cite(parts, members.peek('groundingMetadata'))
  const logprobs = takeLogprobs(members)
  return { index, parts: cited, finish, ...given({ logprobs }), ...members.kept() }
}

export function decodeIndex(members: Members, position: number): number {
  const index = members.maybeNumber('index')
  if (index === undefined) members.omit('index')
  return index ?? position
}

function decodeContent(content: Members, ids: CallIds): Part[] {
  const role = content.take('role')
  if (role === undefined) content.omit('role')
  else content.spell('role', role)
  const parts = content.maybeList('parts')
  if (parts === undefined) content.omit('parts')
  return decodeParts(parts ?? [], content.at('parts'), { fault: 'reply', ids })
}

function hasCalls(parts: readonly Part[]): boolean {
  return parts.some(part => part.type === 'tool-call')
}

export function takeLogprobs(members: Members): Json | undefined {
  const native = members.peek('logprobsResult')
  const logprobs = isObject(native) ? decodeLogprobs(native) : undefined
  if (logprobs !== undefined) members.spell('logprobsResult', members.take('logprobsResult')!)
  return logprobs
}

/** Citations belong to the last words of the answer. */
function cite(parts: Part[], metadata: Json | undefined): Part[] {
  const citations = groundingCitations(metadata)
  const at = parts.findLastIndex(part => part.type === 'text')
  if (citations.length === 0 || at < 0) return parts
  return parts.map((part, index) => (index === at ? ({ ...part, citations } as Part) : part))
}

/** See `Dialect.readOutcome`. */
export function readOutcome(body: JsonObject): Outcome {
  if (isObject(body.error)) throw failureInBody(body)
  const { candidates, usageMetadata } = body
  const [candidate] = Array.isArray(candidates) ? candidates : []
  const usage = isObject(usageMetadata) ? decodeUsage(usageMetadata) : undefined
  if (!isObject(candidate)) {
    const nobody = blocked(body.promptFeedback)
    if (!nobody) throw unanswered()
    return { finish: nobody.finish.unified, usage }
  }
  const parts = isObject(candidate.content) && Array.isArray(candidate.content.parts) ? candidate.content.parts : []
  const calls = parts.some(part => isObject(part) && isObject(part.functionCall))
  return { finish: finishOf(wordOf(candidate.finishReason), calls).unified, usage }
}

/** Writes a whole reply, whoever made it. */
export function encodeResponse(response: ChatResponse, losses: Losses): JsonObject {
  const { id, model, choices, usage } = replyWithFunctions(response)
  loseUsage(usage, NAME, losses, UNSAID)
  const candidates = choices.filter(choice => !isNobody(choice))
  const made: JsonObject = {
    ...(candidates.length > 0 || choices.length === 0
      ? { candidates: candidates.map((choice, index) => encodeChoice(choice, `candidates[${index}]`, losses)) }
      : {}),
    ...(usage ? { usageMetadata: encodeUsage(usage) } : {}),
    modelVersion: model,
    responseId: id
  }
  return respell(restore(made, response, '', losses))
}

function encodeChoice(choice: Choice, path: string, losses: Losses): JsonObject {
  const own = choice.finish.maker === NAME
  const spot: Spot = { path, losses, own, side: 'response', role: 'model', names: new Map() }
  const parts = encodeParts(choice.parts, spot)
  const logprobsResult = own ? undefined : encodeLogprobs(choice.logprobs)
  if (choice.logprobs !== undefined && !own && !logprobsResult) lose(losses, `${path}.logprobs`)
  const made: JsonObject = {
    content: { role: 'model', parts: own ? parts : signCalls(parts) },
    ...encodeFinish(choice.finish, path, losses),
    index: choice.index,
    ...given({ logprobsResult })
  }
  return restore(made, choice, path, losses)
}
