import type { Refusal } from '../refusal.ts'
import type { Sealer } from '../seal.ts'
import { invalid, invalidAt } from './errors.ts'
import type { Family } from './families.ts'
import type { Content, Part } from './request.ts'

/** What Google lets pass for a call that no Gemini made (ai.google.dev/gemini-api/docs/thought-signatures). */
const UNSIGNED = new Set(['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go'])

const ROLES = new Set([undefined, '', 'user', 'model', 'function'])

/** Rules over the turns of a conversation; throws the refusal of the first one broken. */
export function checkTurns(contents: Content[]): void {
  contents.forEach(({ role, parts = [] }, index) => {
    if (!ROLES.has(role)) throw invalid('Please use a valid role: user, model.')
    if (parts.length === 0) throw invalidAt(`contents[${index}].parts`, 'contents.parts must not be empty.')
    parts.forEach((part, at) => {
      checkPart(part, `contents[${index}].parts[${at}]`, role)
    })
  })
  checkCalls(contents)
}

const DATA = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse'
] as const

function checkPart(part: Part, path: string, role: string | undefined): void {
  // a signature may travel in a part of its own
  const isBare = DATA.every(name => part[name] === undefined) && part.thoughtSignature === undefined
  if (isBare) throw invalidAt(`${path}.data`, "required oneof field 'data' must have one initialized field")
  if (part.functionCall && !part.functionCall.name) {
    throw invalidAt(`${path}.function_call.name`, 'Name cannot be empty.')
  }
  if (part.functionResponse && !part.functionResponse.name) {
    throw invalidAt(`${path}.function_response.name`, 'Name cannot be empty.')
  }
  if (part.functionCall && role !== 'model') throw invalid('Function calls must be in a turn of the role model.')
  if (part.functionResponse && role === 'model') {
    throw invalid('Function responses must be in a turn of the role user.')
  }
  const { inlineData, fileData } = part
  if (inlineData && !inlineData.mimeType) throw invalid('Unable to determine the mime type of inline data.')
  if (inlineData && !inlineData.data) throw invalid(`Unable to process input ${kindOf(inlineData.mimeType)}.`)
  if (fileData && !fileData.fileUri) throw invalidAt(`${path}.file_data.file_uri`, 'file_uri must not be empty.')
}

function kindOf(mimeType = ''): string {
  return mimeType.startsWith('image/') ? 'image' : 'file'
}

function callsIn(content: Content | undefined): Part[] {
  return (content?.parts ?? []).filter(part => part.functionCall)
}

function responsesIn(content: Content | undefined): Part[] {
  return (content?.parts ?? []).filter(part => part.functionResponse)
}

const COUNTS =
  'Please ensure that the number of function response parts is equal to the number of function call parts of the ' +
  'function call turn.'

function checkCalls(contents: Content[]): void {
  contents.forEach((content, index) => {
    const calls = callsIn(content)
    const before = contents[index - 1]
    if (calls.length > 0) {
      if (index === 0 || before?.role === 'model') {
        throw invalid(
          'Please ensure that function call turn comes immediately after a user turn or after a function response turn.'
        )
      }
      if (responsesIn(contents[index + 1]).length !== calls.length) throw invalid(COUNTS)
    }
    const responses = responsesIn(content)
    if (responses.length === 0) return
    const asked = callsIn(before)
    if (asked.length === 0) {
      throw invalid('Please ensure that function response turn comes immediately after a function call turn.')
    }
    checkAnswers(asked, responses, index)
  })
}

/** Each response is to a call of the turn before: by id where they have ids, by name otherwise. */
function checkAnswers(asked: Part[], responses: Part[], index: number): void {
  const open = asked.map(part => part.functionCall!)
  for (const { functionResponse: response } of responses) {
    const at = open.findIndex(({ id, name }) =>
      id === undefined || response?.id === undefined ? name === response?.name : id === response.id
    )
    if (at < 0) {
      throw invalid(
        `Function response \`${response?.name}\` in the ${index + 1}. content block answers no function call of the ` +
          'turn before it.'
      )
    }
    open.splice(at, 1)
  }
}

/** What the signature of a call is made over. */
export function callSeal(name: string): string {
  return `functionCall ${name}`
}

/** Signatures must be ours and unaltered; where the model demands them, none of the current turn may be missing. */
export function checkSignatures(contents: Content[], family: Family, sealer: Sealer, isVertex: boolean): void {
  const lastUser = contents.findLastIndex(
    content => content.role !== 'model' && (content.parts ?? []).some(part => !part.functionResponse)
  )
  contents.forEach((content, index) => {
    for (const part of content.parts ?? []) checkSignature(part, sealer)
    if (!family.signsCalls || index <= lastUser || content.role !== 'model') return
    const first = callsIn(content)[0]
    if (first && first.thoughtSignature === undefined) {
      throw missing(String(first.functionCall?.name), index, isVertex)
    }
  })
}

function checkSignature({ thoughtSignature, functionCall }: Part, sealer: Sealer): void {
  if (thoughtSignature === undefined || UNSIGNED.has(thoughtSignature)) return
  const verdict = functionCall
    ? sealer.checkSignature(thoughtSignature, callSeal(functionCall.name ?? ''))
    : sealer.checkHidden(thoughtSignature)
  if (verdict === 'foreign') throw invalid('Corrupted thought signature.')
  if (verdict === 'altered') throw invalid('Invalid thought signature.')
}

function missing(name: string, index: number, isVertex: boolean): Refusal {
  if (isVertex) {
    return invalid(
      `Unable to submit request because function call \`${name}\` in the ${index + 1}. content block is missing a ` +
        '`thought_signature`. Learn more: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures'
    )
  }
  return invalid(
    'Function call is missing a thought_signature in functionCall parts. This is required for tools to work ' +
      'correctly, and missing thought_signature may lead to degraded model performance. Additional data, function ' +
      `call \`default_api:${name}\` , position ${index + 1}. Please refer to ` +
      'https://ai.google.dev/gemini-api/docs/thought-signatures for more details.'
  )
}
