import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { ChatRequest, Message, Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { decodeContent, encodeContent } from './content.ts'
import { isMade } from './ids.ts'
import { addItem, encodeItems, type ItemSpot, nativeItem } from './items.ts'
import { given, isForeign, lose, Members, NAME, objectOf, restore, sealed, spelt } from './members.ts'
import { joined, type ToolNames, toolNames } from './names.ts'

type ToolResult = Extract<Part, { type: 'tool-result' }>

const ROLES = ['user', 'system', 'developer'] as const

/** In a history, the names of calls are joined without the tools they came from. */
const NAMES: ToolNames = { joined, split: name => ({ name }) }

export interface Conversation {
  messages: Message[]
  /** Items without which the conversation would not be what the client means, by path and type. */
  bound: string[]
}

/**
 * `instructions` and `input` as turns: what follows one another of the assistant's items is one turn, each output of a
 * tool is a user's.
 */
export function decodeInput(members: Members): Conversation {
  const instructions = members.maybeString('instructions')
  const messages: Message[] =
    instructions === undefined
      ? []
      : [
          {
            role: 'system',
            parts: [{ type: 'text', text: instructions }],
            plain: true,
            spelling: sealed({ top: true })
          }
        ]
  const input = members.take('input')
  if (input === undefined) return { messages, bound: [] }
  if (typeof input === 'string') {
    members.spell('input', 'string')
    return { messages: [...messages, { role: 'user', parts: [{ type: 'text', text: input }], plain: true }], bound: [] }
  }
  if (!Array.isArray(input)) throw members.wrong('input', 'must be a string or an array of items')
  if (input.length === 0) members.spell('input', 'empty')
  const bound: string[] = []
  const asked = input.findLastIndex(item => isObject(item) && item.role === 'user')
  input.forEach((item, index) => {
    const path = `input[${index}]`
    if (isBound(item, index > asked)) bound.push(`${path}.${(item as JsonObject).type}`)
    addTo(messages, item, path)
  })
  return { messages, bound }
}

const BOUND = new Set(['item_reference', 'compaction', 'mcp_approval_response', 'additional_tools'])
const OUTPUTS = new Set(['function_call_output', 'custom_tool_call_output'])

/**
 * What refers to something the provider keeps, or answers a call that only it could make. Some clients refer by an id
 * that we made to what was said between the calls of the turn that goes on: the calls themselves and their outputs are
 * there in full, and so the turn can go on without it.
 */
function isBound(item: Json, goesOn: boolean): boolean {
  const { type, id } = objectOf(item)
  if (typeof type !== 'string' || (type === 'item_reference' && goesOn && isMade(id))) return false
  return BOUND.has(type) || (type.endsWith('_output') && !OUTPUTS.has(type))
}

function addTo(messages: Message[], item: Json, path: string): void {
  const members = new Members(item, path, 'request')
  const type = members.peek('type')
  const role = ROLES.find(known => known === members.peek('role'))
  if (role && (type === undefined || type === 'message')) messages.push(decodeMessage(members, role))
  else if (type === 'function_call_output' || type === 'custom_tool_call_output')
    messages.push(decodeOutput(members, type))
  else if (role || type === 'mcp_approval_response') messages.push({ role: role ?? 'user', parts: [nativeItem(item)] })
  else {
    if (type === undefined && members.string('role') !== 'assistant') throw members.wrong('role', WHO)
    const last = messages.at(-1)
    const turn: Message = last?.role === 'assistant' ? last : { role: 'assistant', parts: [] }
    addItem(turn.parts, item, path, 'request', NAMES)
    if (turn !== last && turn.parts.length > 0) messages.push(turn)
  }
}

const WHO = 'must be `user`, `assistant`, `system` or `developer`'
const MANNER = ['type', 'id', 'status'] as const

function spellManner(members: Members): void {
  for (const name of MANNER) {
    const value = members.take(name)
    if (value !== undefined) members.spell(name, value)
  }
}

function decodeMessage(members: Members, role: Message['role']): Message {
  members.take('role')
  spellManner(members)
  const content = members.take('content') ?? members.array('content')
  return { role, ...decodeSaid(content, members, 'content'), ...members.kept() }
}

function decodeOutput(members: Members, type: string): Message {
  spellManner(members)
  members.spell('type', type)
  const id = members.string('call_id')
  const output = members.take('output') ?? members.array('output')
  const { parts, plain } = decodeSaid(output, members, 'output')
  return { role: 'user', parts: [{ type: 'tool-result', id, content: parts, ...given({ plain }), ...members.kept() }] }
}

function decodeSaid(value: Json, members: Members, name: string): { parts: Part[]; plain?: true } {
  if (typeof value === 'string') return { parts: [{ type: 'text', text: value }], plain: true }
  if (!Array.isArray(value)) throw members.wrong(name, 'must be a string or an array of parts')
  const path = members.at(name)
  return { parts: value.map((part, index) => decodeContent(part, `${path}[${index}]`, 'input', 'request')) }
}

/** `instructions` and `input`, written as they were where they come from here. */
export function encodeInput(request: ChatRequest, losses: Losses): JsonObject {
  const [first, ...others] = request.messages
  const top = first !== undefined && spelt(first, 'top') === true
  const [text] = first?.parts ?? []
  const instructions = top && text?.type === 'text' ? { instructions: text.text } : {}
  const writer = new InputWriter(request, losses)
  const messages = top ? others : request.messages
  const items = messages.flatMap((message, index) => writer.message(message, `messages[${top ? index + 1 : index}]`))
  const how = spelt(request, 'input')
  if (request.maker === NAME && items.length === 0 && how === undefined) return instructions
  const [item] = items
  const isBareText = how === 'string' && items.length === 1 && typeof item!.content === 'string'
  return { ...instructions, input: isBareText ? item!.content! : items }
}

class InputWriter {
  readonly #own: boolean
  readonly #losses: Losses
  readonly #names: ToolNames
  /** Ids of calls with free text, whose outputs are of that kind too. */
  readonly #freeform: ReadonlySet<string>

  constructor(request: ChatRequest, losses: Losses) {
    this.#own = request.maker === NAME
    this.#losses = losses
    this.#names = toolNames(request.tools)
    const parts = request.messages.flatMap(message => message.parts)
    const calls = parts.filter(part => part.type === 'tool-call' && part.freeform)
    this.#freeform = new Set(calls.map(part => (part as { id: string }).id))
  }

  message(message: Message, path: string): JsonObject[] {
    if (message.cache) lose(this.#losses, `${path}.cache_control`)
    if (message.name !== undefined && !message.parts.every(part => part.type === 'tool-result')) {
      lose(this.#losses, `${path}.name`)
    }
    if (message.role !== 'assistant') return this.#others(message, path)
    restore({}, message, path, this.#losses)
    const spot: ItemSpot = {
      path,
      losses: this.#losses,
      side: 'request',
      own: this.#own,
      names: this.#names,
      id: () => ''
    }
    return encodeItems(message.parts, spot)
  }

  /** Outputs of tools and other whole items stand beside the message of what else is said, in order. */
  #others(message: Message, path: string): JsonObject[] {
    const items: JsonObject[] = []
    let said: JsonObject[] = []
    let isSaid = message.parts.length === 0
    const flush = (): void => {
      if (isSaid) items.push(this.#message(message, said, path))
      said = []
      isSaid = false
    }
    message.parts.forEach((part, index) => {
      const at = `${path}.content[${index}]`
      if (part.type === 'tool-result') {
        flush()
        items.push(this.#output(part, at))
      } else if (part.type === 'native' && !isForeign(part.seal) && isWhole(part)) {
        flush()
        items.push(part.seal.value as JsonObject)
      } else {
        const native = encodeContent(part, { path: at, losses: this.#losses })
        if (native) said.push(native)
        isSaid ||= native !== undefined
      }
    })
    flush()
    return items
  }

  #message(message: Message, said: JsonObject[], path: string): JsonObject {
    const [only] = said
    const isPlain = said.length === 1 && isBare(only!) && (message.plain || !this.#own)
    return restore({ role: message.role, content: isPlain ? only!.text! : said }, message, path, this.#losses)
  }

  #output(part: ToolResult, path: string): JsonObject {
    if (part.failed) lose(this.#losses, `${path}.is_error`)
    if (part.cache) lose(this.#losses, `${path}.cache_control`)
    const said = part.content.flatMap((each, index) => {
      const native = encodeContent(each, { path: `${path}.content[${index}]`, losses: this.#losses })
      return native ? [native] : []
    })
    const isText = said.every(isBare) && (this.#own ? part.plain : said.length < 2 || part.plain)
    const type = this.#freeform.has(part.id) ? 'custom_tool_call_output' : 'function_call_output'
    const output = isText ? said.map(each => each.text).join('') : said
    return restore({ type, call_id: part.id, output }, part, path, this.#losses)
  }
}

function isBare(native: JsonObject): boolean {
  return native.type === 'input_text' && Object.keys(native).length === 2
}

/** An item by itself, not a part of a message. */
function isWhole({ seal }: { seal: { value: Json } }): boolean {
  return isObject(seal.value) && !String(seal.value.type).startsWith('input_')
}
