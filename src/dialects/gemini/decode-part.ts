import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { CallIds } from '../call-ids.ts'
import type { Part } from '../canonical.ts'
import { AT_GOOGLE } from './media.ts'
import { camelCase, type Fault, given, Members, sealed } from './members.ts'
import { decodeSignature } from './signature.ts'

type Media = Extract<Part, { type: 'media' }>

interface Reading {
  fault: Fault
  ids: CallIds
}

type Decode = (members: Members, reading: Reading) => Part

/** What a part is, by the one member that says so. */
const DECODERS: Readonly<Record<string, Decode>> = {
  functionCall: decodeCall,
  functionResponse: decodeResult,
  inlineData: decodeInline,
  fileData: decodeFile,
  text: decodeText
}

/**
 * One part of a content (ai.google.dev/api/caching#Part). Those without a counterpart elsewhere (code that Google runs
 * and what it printed, its own tools' calls, kinds that are new) become `native` parts, whole.
 */
export function decodePart(value: Json | undefined, path: string, reading: Reading): Part {
  const members = new Members(value, path, reading.fault)
  const names = isObject(value) ? Object.keys(value).map(camelCase) : []
  const kind = Object.keys(DECODERS).find(name => names.includes(name) && members.peek(name) !== null)
  return kind === undefined ? { type: 'native', seal: sealed(value as JsonObject) } : DECODERS[kind]!(members, reading)
}

export function decodeParts(parts: readonly Json[], path: string, reading: Reading): Part[] {
  return parts.map((part, index) => decodePart(part, `${path}[${index}]`, reading))
}

/** `thought: false` says nothing. */
function keepFalse(members: Members): void {
  if (members.peek('thought') === false) members.spell('thought', members.take('thought')!)
}

function decodeText(members: Members): Part {
  const text = members.string('text')
  const { native, ...signed } = decodeSignature(members)
  if (native && signed.seal) return { type: 'native', seal: signed.seal }
  keepFalse(members)
  const isThought = members.maybeBoolean('thought') ?? false
  return { type: isThought ? 'thinking' : 'text', text, ...members.kept(), ...signed }
}

function decodeCall(members: Members, { ids }: Reading): Part {
  const { seal } = decodeSignature(members)
  keepFalse(members)
  const call = members.nested('functionCall')!
  const name = call.string('name')
  const args = call.maybeObject('args')
  if (args === undefined) call.omit('args')
  const own = decodeCallId(call)
  if (own !== undefined) ids.called(name, own)
  const id = own ?? ids.call(name)
  return { type: 'tool-call', id, name, input: JSON.stringify(args ?? {}), ...given({ seal }), ...members.kept() }
}

/** The Gemini API came to give calls ids, Vertex AI mostly does not. */
function decodeCallId(members: Members): string | undefined {
  const id = members.maybeString('id')
  if (id !== undefined && id !== '') return id
  if (id === '') members.spell('id', '')
  else members.omit('id')
  return undefined
}

function decodeResult(members: Members, reading: Reading): Part {
  keepFalse(members)
  const result = members.nested('functionResponse')!
  const name = result.string('name')
  result.spell('name', name)
  const own = decodeCallId(result)
  if (own !== undefined) reading.ids.answered(own)
  const id = own ?? reading.ids.result(name)
  const response = result.maybeObject('response')
  if (response === undefined) result.omit('response')
  else result.spell('response', response)
  const media = result.maybeList('parts') ?? []
  const path = result.at('parts')
  const content = [...resultText(response), ...decodeParts(media, path, reading)]
  const failed = isFailure(response) ? { failed: true } : {}
  return { type: 'tool-result', id, content, ...failed, ...members.kept() }
}

/** By Google's word `output` is what a function gave and `error` why it failed; anything else is given as a whole. */
function resultText(response: JsonObject | undefined): Part[] {
  const [only, ...others] = Object.entries(response ?? {})
  if (only === undefined) return []
  const isPlain = others.length === 0 && ['output', 'result', 'error'].includes(only[0])
  const said = isPlain ? only[1] : response
  return [{ type: 'text', text: typeof said === 'string' ? said : JSON.stringify(said) }]
}

function isFailure(response: JsonObject | undefined): boolean {
  return response !== undefined && Object.keys(response).join() === 'error'
}

function decodeInline(members: Members): Part {
  keepFalse(members)
  const blob = members.nested('inlineData')!
  const mediaType = typeOf(blob)
  const data = blob.string('data')
  return { type: 'media', mediaType, data, ...given({ name: blob.maybeString('displayName') }), ...members.kept() }
}

const UNKNOWN = 'application/octet-stream'

function typeOf(blob: Members): string {
  const mediaType = blob.maybeString('mimeType')
  if (mediaType === undefined) blob.omit('mimeType')
  return mediaType ?? UNKNOWN
}

function decodeFile(members: Members): Part {
  keepFalse(members)
  const file = members.nested('fileData')!
  const mediaType = typeOf(file)
  const uri = file.string('fileUri')
  const where: Pick<Media, 'fileId' | 'url'> = AT_GOOGLE.test(uri) ? { fileId: sealed(uri) } : { url: uri }
  return { type: 'media', mediaType, ...where, ...given({ name: file.maybeString('displayName') }), ...members.kept() }
}
