import { isObject, type Json, type JsonObject } from '../../json.ts'
import { describedTexts, schemaTexts, stepInto } from '../declared.ts'
import type { TextRef } from '../dialect.ts'
import { camelCase } from './members.ts'
import { UNSIGNED_CALL } from './signature.ts'

type Facts = Pick<TextRef, 'path' | 'role' | 'kind' | 'lane' | 'sealed'>

/**
 * Every human text of a body, in its order; replacing one edits the body in place. What carries a thought signature is
 * covered by it: `sealed`. Names may be in camel or snake case.
 */
export function* texts(body: JsonObject, side: 'request' | 'response'): Iterable<TextRef> {
  if (side === 'response') {
    yield* candidateTexts(body)
    return
  }
  yield* toolTexts(body)
  const system = nameIn(body, 'systemInstruction')
  if (system !== undefined) yield* contentTexts(body[system], system, 'system')
  for (const [content, path] of listIn(body, 'contents')) {
    yield* contentTexts(content, path, isObject(content) && content.role === 'model' ? 'assistant' : 'user')
  }
}

/** What the model is told of functions: of their arguments, and of what they return. */
function* toolTexts(body: JsonObject): Iterable<TextRef> {
  for (const [tool, path] of listIn(body, 'tools')) {
    const name = isObject(tool) ? nameIn(tool, 'functionDeclarations') : undefined
    if (name === undefined) continue
    for (const [declared, at] of listIn(tool as JsonObject, name, path)) {
      if (!isObject(declared)) continue
      yield* describedTexts(declared, at)
      for (const member of Object.keys(declared)) {
        if (SCHEMAS.has(camelCase(member))) yield* schemaTexts(declared[member], `${at}.${member}`)
      }
    }
  }
}

const SCHEMAS = new Set(['parameters', 'parametersJsonSchema', 'response', 'responseJsonSchema'])

/** The texts of one chunk. Lanes: `0/text`, `0/thinking`; what comes whole has its own. */
export function streamTexts(data: JsonObject): TextRef[] {
  return [...candidateTexts(data)]
}

function* candidateTexts(body: JsonObject): Iterable<TextRef> {
  for (const [candidate, path, position] of listIn(body, 'candidates')) {
    if (!isObject(candidate)) continue
    const choice = typeof candidate.index === 'number' ? candidate.index : position
    yield* contentTexts(candidate.content, `${path}.content`, 'assistant', String(choice))
  }
}

/** `choice` makes the lanes of a reply; in a request every text is a passage of its own. */
function* contentTexts(
  content: Json | undefined,
  path: string,
  role: TextRef['role'],
  choice?: string
): Iterable<TextRef> {
  if (!isObject(content)) return
  for (const [part, at] of listIn(content, 'parts', path)) {
    if (!isObject(part)) continue
    const signature = nameIn(part, 'thoughtSignature')
    // What we write where nobody signed covers nothing.
    const sealed = signature !== undefined && part[signature] !== UNSIGNED_CALL
    yield* partTexts(part, { path: at, role, kind: 'text', sealed, lane: at }, choice)
  }
}

function* partTexts(part: JsonObject, facts: Facts, choice: string | undefined): Iterable<TextRef> {
  const kind = part.thought === true ? 'thinking' : 'text'
  const lane = choice === undefined ? facts.path : `${choice}/${kind}`
  yield* text(part, 'text', { ...facts, kind, lane })
  for (const [name, value] of Object.entries(part)) {
    if (!isObject(value)) continue
    const path = `${facts.path}.${name}`
    const inside = { ...facts, path, lane: choice === undefined ? path : `${choice}/${path}` }
    switch (camelCase(name)) {
      case 'functionCall':
        if (isObject(value.args)) yield argsRef(value, { ...inside, path: `${path}.args`, kind: 'tool-input' })
        break
      case 'executableCode':
        yield* text(value, 'code', { ...inside, kind: 'tool-input' })
        break
      case 'codeExecutionResult':
        yield* text(value, 'output', { ...inside, role: 'tool', kind: 'tool-result' })
        break
      case 'functionResponse':
        yield* leaves(value, 'response', { ...inside, role: 'tool', kind: 'tool-result' })
    }
  }
}

/** Every text within a result, wherever the function put it. */
function* leaves(holder: JsonObject | Json[], name: string | number, facts: Facts): Iterable<TextRef> {
  const value = (holder as JsonObject)[name]
  const path = typeof name === 'number' ? `${facts.path}[${name}]` : stepInto(holder as JsonObject, name, facts.path)
  if (Array.isArray(value)) for (const index of value.keys()) yield* leaves(value, index, { ...facts, path })
  else if (isObject(value)) for (const key of Object.keys(value)) yield* leaves(value, key, { ...facts, path })
  else if (typeof value === 'string') yield ref(holder as JsonObject, name, { ...facts, path, lane: path })
}

function* text(holder: JsonObject, name: string, facts: Facts): Iterable<TextRef> {
  if (typeof holder[name] === 'string') yield ref(holder, name, { ...facts, path: `${facts.path}.${name}` })
}

function ref(holder: JsonObject, name: string | number, facts: Facts): TextRef {
  return {
    ...facts,
    get: () => String(holder[name]),
    set: replaced => {
      holder[name] = replaced
    }
  }
}

/** The arguments of a call as JSON text; text put back that is none is carried as one string. */
function argsRef(call: JsonObject, facts: Facts): TextRef {
  return {
    ...facts,
    get: () => JSON.stringify(call.args),
    set: replaced => {
      call.args = parseArgs(replaced)
    }
  }
}

function parseArgs(json: string): JsonObject {
  try {
    const args: unknown = JSON.parse(json)
    if (isObject(args)) return args
  } catch {}
  return { _raw: json }
}

/** How this member is written here. */
function nameIn(holder: JsonObject, camel: string): string | undefined {
  return Object.keys(holder).find(name => camelCase(name) === camel)
}

/** The elements of a list, or the one thing that stands for it, with their paths. */
function* listIn(holder: JsonObject, name: string, path = ''): Iterable<[Json, string, number]> {
  const value = holder[name]
  const at = path === '' ? name : `${path}.${name}`
  if (Array.isArray(value)) for (const [index, each] of value.entries()) yield [each, `${at}[${index}]`, index]
  else if (isObject(value)) yield [value, at, 0]
}
