import { isDeepStrictEqual } from 'node:util'
import type { ChatRequest, ChatResponse, Part, Seal, Tool } from '../../src/dialects/canonical.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import type { Usage } from '../../src/usage.ts'

/** Something that was said beside the words: it survives a crossing, or a loss names it. */
export interface Fact {
  name: string
  value: Json
  /** What a loss that names it has in it: letters only, in lower case. */
  words: readonly string[]
  /** The part it belongs to, as `messages[2].content[0]`, and its type: who names all of that names the fact. */
  part?: { at: string; type: Part['type'] }
  /** Where only its maker will read it again: a text by which it is known in what was written. */
  mark?: string
}

const setting = (request: ChatRequest, name: keyof ChatRequest, words: readonly string[], neutral?: Json): Fact[] => {
  const value = request[name] as Json | undefined
  return value === undefined || isDeepStrictEqual(value, neutral) ? [] : [{ name, value, words }]
}

const STANDARD = /^(auto|default|standard|standard_only)$/

/** Settings, tools, marks, and what only one dialect knows. */
export function factsOfRequest(request: ChatRequest): Fact[] {
  const { toolChoice, reasoning, format, stop = [] } = request
  // Tools that may not be called can as well be left out.
  const tools = toolChoice?.type === 'none' ? [] : (request.tools ?? [])
  return [
    ...setting(request, 'outputTokensMax', ['maxtokens', 'maxcompletion', 'maxoutput', 'outputtokens']),
    ...setting(request, 'temperature', ['temperature'], 1),
    ...setting(request, 'topP', ['topp'], 1),
    ...setting(request, 'topK', ['topk']),
    ...setting(request, 'n', ['n', 'candidatecount'], 1),
    ...setting(request, 'seed', ['seed']),
    ...setting(request, 'frequencyPenalty', ['frequencypenalty'], 0),
    ...setting(request, 'presencePenalty', ['presencepenalty'], 0),
    ...setting(request, 'logprobs', ['logprobs']),
    ...setting(request, 'user', ['user', 'metadata', 'safetyidentifier']),
    // Each maker has names of its own for tiers.
    ...named(!STANDARD.test(request.serviceTier ?? 'auto'), 'service tier', 'tier'),
    ...(tools.length > 0 ? setting(request, 'parallelToolCalls', ['parallel'], true) : []),
    ...(toolChoice && toolChoice.type !== 'auto' && tools.length > 0
      ? setting(request, 'toolChoice', ['toolchoice', 'functioncalling'])
      : []),
    ...(stop.length > 0 ? setting(request, 'stop', ['stop']) : []),
    // That the model decides itself is what not to say anything means, too.
    ...(reasoning?.budgetTokens || (reasoning?.effort && reasoning.effort !== 'none')
      ? [{ name: 'reasoning', value: true, words: ['reasoning', 'thinking', 'effort'] }]
      : []),
    ...(format && format.type !== 'text' ? [formatFact(format)] : []),
    ...tools.flatMap(factsOfTool),
    ...request.messages.flatMap((message, index) => [
      ...factsOfParts(message.parts, `messages[${index}]`),
      ...namesOf(message)
    ]),
    ...marksIn(request as unknown as Json)
  ]
}

function formatFact(format: NonNullable<ChatRequest['format']>): Fact {
  const value = format.type === 'json-schema' ? propertyNames(format.schema) : format.type
  return { name: `format ${format.type}`, value, words: ['responseformat', 'outputformat', 'format', 'schema'] }
}

function factsOfTool(tool: Tool): Fact[] {
  if (tool.native) return [{ name: 'hosted tool', value: tool.native.value, words: ['tools'] }]
  const { name, description, input, strict } = tool
  return [
    { name: `tool ${name}`, value: true, words: [] },
    ...(description ? [{ name: `description of ${name}`, value: description, words: ['description'] }] : []),
    ...(input && !tool.freeform
      ? [{ name: `input of ${name}`, value: propertyNames(input), words: ['parameters', 'schema', 'properties'] }]
      : []),
    ...(strict ? [{ name: `strict ${name}`, value: true, words: ['strict'] }] : [])
  ]
}

/** Names of all properties of a schema, wherever they stand. Keywords may have to be fitted; what is asked for may not. */
function propertyNames(schema: Json): string[] {
  if (Array.isArray(schema)) return schema.flatMap(propertyNames)
  if (!isObject(schema)) return []
  const own = isObject(schema.properties) ? Object.keys(schema.properties) : []
  return [...own, ...Object.values(schema).flatMap(value => propertyNames(value ?? null))].sort()
}

const named = (value: Json | undefined, name: string, ...words: string[]): Fact[] =>
  value === undefined || value === false || value === null ? [] : [{ name, value, words }]

/** What names the tool of a result says nothing new. */
function namesOf({ name, parts }: ChatRequest['messages'][number]): Fact[] {
  return parts.every(part => part.type === 'tool-result') ? [] : named(name, 'name of a message', 'name')
}

function factsOfParts(parts: readonly Part[], path: string): Fact[] {
  // Thoughts may be joined into one.
  const thoughts = parts.flatMap(part => (part.type === 'thinking' ? [part.text] : [])).join('')
  return [
    ...citations(parts),
    ...named(thoughts.replace(/\s/g, '') || undefined, 'thinking', 'thinking', 'reasoning', 'thought'),
    ...parts.flatMap((part, index) => {
      const at = `${path}.content[${index}]`
      const facts = [...factsOfPart(part, at), ...(isBlank(part) ? [] : marksIn(part as unknown as Json))]
      return facts.map(fact => ({ part: { at, type: part.type }, ...fact }))
    })
  ]
}

/** Nobody has to say a text without words, nor what stands beside it. */
function isBlank(part: Part): boolean {
  return part.type === 'text' && part.text.trim() === ''
}

function factsOfPart(part: Part, at: string): Fact[] {
  switch (part.type) {
    case 'text':
      return sealFact(part.seal)
    case 'thinking':
    case 'tool-call':
      return sealFact(part.seal)
    case 'tool-result':
      return [...named(part.failed, 'failed result', 'iserror', 'failed', 'status'), ...factsOfParts(part.content, at)]
    case 'media':
      return [
        // Some know a title of a document, some a name.
        ...named((part.title ?? part.name) !== undefined, 'title', 'title', 'name'),
        ...named(part.context, 'context', 'context'),
        ...named(part.cite, 'cite', 'citations')
      ]
    case 'native':
      return [
        {
          name: 'native part',
          value: part.seal.value,
          words: ['native', letters(typeOf(part.seal.value))],
          mark: markOf(part.seal.value)
        }
      ]
    default:
      return []
  }
}

function sealFact(seal: Seal | undefined): Fact[] {
  const words = ['signature', 'encrypted', 'reasoning', 'thinking', 'thought']
  return named(seal?.value, 'signature', ...words).map(fact => ({ ...fact, mark: markOf(fact.value) }))
}

/** A message may have them all at its first text. */
function citations(parts: readonly Part[]): Fact[] {
  const count = parts.reduce((sum, part) => sum + (part.type === 'text' ? (part.citations?.length ?? 0) : 0), 0)
  return named(count || undefined, 'citations', 'citations', 'annotations')
}

function typeOf(value: Json): string {
  return isObject(value) && typeof value.type === 'string'
    ? value.type
    : isObject(value)
      ? (Object.keys(value)[0] ?? '')
      : ''
}

/** Cache marks and members that only their maker knows, wherever they stand. */
function marksIn(value: Json): Fact[] {
  if (Array.isArray(value)) return value.flatMap(marksIn)
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, member]): Fact[] => {
    if (name === 'cache' && isObject(member))
      return [{ name: 'cache mark', value: true, words: ['cachecontrol', 'cachepoint', 'breakpoint'] }]
    if (name === 'rest' && isObject(member) && isObject(member.value)) return restFacts(member.value)
    return OPAQUE.has(name) ? [] : marksIn(member ?? null)
  })
}

/** Not ours to look into: a schema may have members of these names, a spelling says nothing new. */
const OPAQUE = new Set([
  'parts',
  'content',
  'spelling',
  'seal',
  'native',
  'input',
  'schema',
  'logprobs',
  'citations',
  'format'
])

function restFacts(rest: JsonObject): Fact[] {
  return Object.entries(rest).map(([name, value]) => ({
    name: `member ${name}`,
    value: value ?? null,
    words: [letters(name), ...(isObject(value) ? Object.keys(value).map(letters) : [])]
  }))
}

export function letters(text: string): string {
  return text.replace(/[^a-zA-Z]/g, '').toLowerCase()
}

/** What a reply says beside its words. */
export function factsOfReply(response: ChatResponse): Fact[] {
  const [first, ...others] = response.choices
  return [
    ...factsOfParts(first?.parts ?? [], `choices[${first?.index}]`),
    ...named(first?.finish.stopSequence, 'stop sequence', 'stopsequence'),
    ...(first?.logprobs ? [{ name: 'logprobs', value: true, words: ['logprobs'], mark: '"logprobs":[{' }] : []),
    ...others.map(({ index }) => ({ name: `choice ${index}`, value: true, words: ['choices'] })),
    ...COUNTS.flatMap(name => countFact(response.usage, name)),
    ...marksIn(response as unknown as Json)
  ]
}

const COUNTS = ['cacheReadTokens', 'cacheWriteTokens', 'cacheWrite1hTokens', 'reasoningTokens', 'webSearches'] as const

function countFact(usage: Usage | undefined, name: (typeof COUNTS)[number]): Fact[] {
  const count = usage?.[name]
  return count ? [{ name: `usage ${name}`, value: count, words: ['usage'] }] : []
}

/** A text by which a value is known again, and that no way of writing changes: the longest without white space. */
function markOf(value: Json): string {
  const inner = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []
  const marks = typeof value === 'string' ? value.match(/[\w+/=.:-]+/g) : inner.map(each => markOf(each ?? null))
  return [...(marks ?? [])].sort(byLength)[0] ?? ''
}

const byLength = (one: string, other: string) => other.length - one.length
