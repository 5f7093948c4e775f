import type { Ask } from '../ask.ts'
import { isObject, type JsonObject, listOf } from '../json.ts'
import { portionsOf } from '../tokens.ts'
import type { Frame, Studio } from '../voice.ts'

const ARGUMENT_CHARS = 12

interface Scene {
  ask: Ask
  /** The response before anything was said, and when all was. */
  begun: JsonObject
  done: JsonObject
  isBackground: boolean
  studio: Studio
}

/** The events of a stream in order: the response begins, its items one after the other, the response ends. */
export function framesOf(scene: Scene): Frame[] {
  const { begun, done, isBackground } = scene
  const told = new Telling(scene)
  told.push('lead', 'response.created', { response: isBackground ? { ...begun, status: 'queued' } : begun })
  if (isBackground) told.push('lead', 'response.queued', { response: { ...begun, status: 'queued' } })
  told.push('lead', 'response.in_progress', { response: begun })
  for (const [index, item] of listOf(done.output).entries()) told.item(item as JsonObject, index)
  const last = done.status === 'completed' ? 'response.completed' : 'response.incomplete'
  told.push('finish', last, { response: done })
  told.frames.at(-1)!.tellsUsage = true
  return told.frames
}

/** Events with their running number. */
class Telling {
  readonly frames: Frame[] = []
  readonly #scene: Scene
  #hasContent = false

  constructor(scene: Scene) {
    this.#scene = scene
  }

  push(kind: Frame['kind'], type: string, members: JsonObject): void {
    if (kind === 'content') this.#hasContent = true
    const shown = kind === 'between' && !this.#hasContent ? 'lead' : kind
    this.frames.push({
      kind: shown,
      event: type,
      data: JSON.stringify({ type, ...members, sequence_number: this.frames.length })
    })
  }

  item(item: JsonObject, index: number): void {
    const isCall = item.type === 'function_call' || item.type === 'custom_tool_call'
    const place = { output_index: index }
    this.push(isCall ? 'content' : 'between', 'response.output_item.added', { ...place, item: emptied(item) })
    const inItem = { item_id: item.id, ...place }
    if (item.type === 'reasoning') this.#thought(item, inItem)
    if (item.type === 'message') {
      for (const [at, part] of listOf(item.content).entries()) this.#part(part as JsonObject, inItem, at)
    }
    if (item.type === 'function_call') {
      this.#input('response.function_call_arguments', 'arguments', String(item.arguments), inItem)
    }
    if (item.type === 'custom_tool_call') {
      this.#input('response.custom_tool_call_input', 'input', String(item.input), inItem)
    }
    if (item.type === 'web_search_call') {
      for (const step of ['in_progress', 'searching', 'completed']) {
        this.push('between', `response.web_search_call.${step}`, inItem)
      }
    }
    this.push('between', 'response.output_item.done', { ...place, item })
  }

  #thought(item: JsonObject, inItem: JsonObject): void {
    listOf(item.summary).forEach((part, summary_index) => {
      const text = isObject(part) ? String(part.text) : ''
      const place = { ...inItem, summary_index }
      const event = 'response.reasoning_summary'
      this.push('between', `${event}_part.added`, { ...place, part: { type: 'summary_text', text: '' } })
      for (const delta of portionsOf(text)) this.#delta(`${event}_text.delta`, { ...place, delta })
      this.push('between', `${event}_text.done`, { ...place, text })
      this.push('between', `${event}_part.done`, { ...place, part })
    })
  }

  #part(part: JsonObject, inItem: JsonObject, content_index: number): void {
    const { ask } = this.#scene
    const place = { ...inItem, content_index }
    const isRefusal = part.type === 'refusal'
    const empty = isRefusal ? { type: 'refusal', refusal: '' } : { ...part, annotations: [], logprobs: [], text: '' }
    this.push('between', 'response.content_part.added', { ...place, part: empty })
    if (isRefusal) {
      for (const delta of portionsOf(String(part.refusal))) {
        this.push('content', 'response.refusal.delta', { ...place, delta })
      }
      this.push('between', 'response.refusal.done', { ...place, refusal: part.refusal })
    } else {
      const text = String(part.text)
      const chunkChars = ask.behaviour.id === 'huge-event' ? text.length || 1 : ask.directives.chunkChars
      let told = 0
      for (const delta of portionsOf(text, chunkChars)) {
        const { logprobs, count } = logprobsFor(part, delta, told)
        told += count
        this.#delta('response.output_text.delta', { ...place, delta, logprobs })
      }
      listOf(part.annotations).forEach((annotation, annotation_index) => {
        this.push('between', 'response.output_text.annotation.added', { ...place, annotation_index, annotation })
      })
      this.push('between', 'response.output_text.done', { ...place, text, logprobs: part.logprobs })
    }
    this.push('between', 'response.content_part.done', { ...place, part })
  }

  #input(event: string, member: string, input: string, inItem: JsonObject): void {
    for (const delta of portionsOf(input, ARGUMENT_CHARS)) this.#delta(`${event}.delta`, { ...inItem, delta })
    this.push('between', `${event}.done`, { ...inItem, [member]: input })
  }

  #delta(type: string, members: JsonObject): void {
    const { ask, studio } = this.#scene
    const options = ask.body.stream_options
    const isPlain = isObject(options) && options.include_obfuscation === false
    this.push('content', type, isPlain ? members : { ...members, obfuscation: studio.ids.next('', 8) })
  }
}

/** Of the tokens of a part, those that make up the next portion of its text. */
function logprobsFor(part: JsonObject, delta: string, from: number): { logprobs: JsonObject[]; count: number } {
  const all = listOf(part.logprobs).filter(isObject)
  let length = 0
  let to = from
  while (to < all.length && length < delta.length) length += String(all[to++]!.token).length
  return { logprobs: all.slice(from, to), count: to - from }
}

/** An item as `output_item.added` shows it. */
function emptied(item: JsonObject): JsonObject {
  switch (item.type) {
    case 'message':
      return { ...item, status: 'in_progress', content: [] }
    case 'reasoning':
      return { ...item, summary: [] }
    case 'function_call':
      return { ...item, status: 'in_progress', arguments: '' }
    case 'custom_tool_call':
      return { ...item, status: 'in_progress', input: '' }
    case 'web_search_call':
      return { id: item.id, type: item.type, status: 'in_progress' }
    default:
      return item
  }
}
