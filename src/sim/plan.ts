import type { Ask, Media, Source, ToolResult } from './ask.ts'
import type { Json } from './json.ts'
import { sampleOf } from './sample.ts'
import { countTokens, piecesOf } from './tokens.ts'

export type Finish = 'stop' | 'length' | 'tool' | 'stop-sequence' | 'refusal' | 'content-filter'

export interface Call {
  name: string
  input: Json
}

/** What one choice of the reply says, in no dialect. The same ask gives the same plan. */
export interface Plan {
  thinking: string
  /** A thought that goes out hidden. */
  hidden?: string
  text: string
  /** OpenAI's refusal member, used where structured output was asked for. */
  refusal?: string
  calls: Call[]
  finish: Finish
  stopSequence?: string
  source?: Source
  textTokens: number
  thinkingTokens: number
}

export const STORY =
  'In the last winter of the old railway a signalman named Oda kept a lamp burning at the edge of the marsh. ' +
  'No train had come for nine years, yet every evening she cleaned the glass, filled the brass tank and wrote the ' +
  'hour in a ledger. One night a boy arrived on foot, wet to the knees, and asked why she still worked. ' +
  'She showed him the ledger: three thousand lines, not one of them empty. The boy turned the pages slowly. ' +
  'Near dawn they heard it together, far away and then close, an engine feeling its way through the fog. ' +
  'It slowed beside the lamp, whistled twice, and went on. Oda wrote the hour.'

const REFUSAL = "I'm sorry, but I can't help with that."
const FILLER = ['lamp', 'marsh', 'ledger', 'engine', 'fog', 'brass', 'winter', 'signal', 'glass', 'dawn']
const HUGE_BYTES = 2 * 1024 * 1024

export function planOf(ask: Ask, choice: number): Plan {
  const plan: Plan = { thinking: '', text: '', calls: [], finish: 'stop', textTokens: 0, thinkingTokens: 0 }
  if (ask.thinking !== 'none') {
    plan.thinking = `The user wrote ${countTokens(ask.text)} tokens. I will answer plainly and check each step.`
    if (ask.text.includes('REDACT')) plan.hidden = 'A thought that only its maker may read.'
  }
  if (ask.text.includes('REFUSE')) refuse(ask, plan)
  else say(ask, plan, choice)
  if (ask.behaviour.id === 'content-filter-finish') {
    plan.text = piecesOf(plan.text)
      .slice(0, Math.ceil(countTokens(plan.text) / 2))
      .join('')
    plan.calls = []
    plan.finish = 'content-filter'
  }
  if (ask.prefill !== '' && plan.text.startsWith(ask.prefill)) plan.text = plan.text.slice(ask.prefill.length)
  applyStop(ask, plan)
  applyLimit(ask, plan)
  return plan
}

function refuse(ask: Ask, plan: Plan): void {
  plan.finish = 'refusal'
  if (ask.shape === undefined) plan.text = REFUSAL
  else plan.refusal = REFUSAL
}

function say(ask: Ask, plan: Plan, choice: number): void {
  const calls = callsOf(ask)
  if (calls.length > 0) {
    plan.calls = calls
    plan.finish = 'tool'
    if (ask.text.includes('EXPLAIN')) plan.text = `Let me call ${calls.map(call => call.name).join(' and ')}.`
    return
  }
  plan.text = textOf(ask)
  if (choice > 0 && ask.shape === undefined) plan.text += ` (${choice + 1})`
  const source = ask.sources[0]
  if (source && ask.shape === undefined) plan.source = source
}

function textOf(ask: Ask): string {
  const { id, amount } = ask.behaviour
  if (ask.directives.words !== undefined) return fill(ask.directives.words)
  if (id === 'big') return fill(amount * 256).slice(0, amount * 1024)
  if (id === 'huge-event') return 'abcdefg '.repeat(HUGE_BYTES / 8)
  if (id === 'story') return STORY
  if (id === 'echo') return ask.text
  if (ask.results.length > 0) return ask.results.map(tellResult).join(' ')
  if (ask.shape !== undefined) return JSON.stringify(ask.shape === true ? { said: ask.text } : sampleOf(ask.shape))
  const parts = [`You said: ${ask.text}`]
  if (ask.media.length > 0) parts.push(tellMedia(ask.media))
  if (ask.searchesWeb) parts.push('See example.com for more.')
  return parts.join('\n')
}

/** Words of four and more letters, about `words` of them. */
function fill(words: number): string {
  return Array.from({ length: words }, (_, at) => FILLER[at % FILLER.length]).join(' ')
}

function callsOf(ask: Ask): Call[] {
  const plays = ask.behaviour.id !== 'echo' && ask.behaviour.id !== 'story'
  if (!plays || ask.tools.length === 0 || ask.call === 'none' || ask.results.length > 0) return []
  const inputFor = (tool: Ask['tools'][number]): Call => ({
    name: tool.name,
    input: tool.isFreeform ? ask.text : sampleOf(tool.schema ?? { type: 'object', properties: {} })
  })
  const { call } = ask
  if (typeof call === 'object') return ask.tools.filter(tool => tool.name === call.name).map(inputFor)
  const named = ask.tools
    .filter(tool => ask.text.includes(tool.name))
    .sort((a, b) => ask.text.indexOf(a.name) - ask.text.indexOf(b.name))
  const chosen = named.length === 0 && call === 'required' ? ask.tools.slice(0, 1) : named
  return (ask.parallel ? chosen : chosen.slice(0, 1)).map(inputFor)
}

function tellResult(result: ToolResult): string {
  const media = result.media.length > 0 ? ` With ${mediaList(result.media)}.` : ''
  return `Result ${result.id} of ${result.name}${result.failed ? ' failed' : ''}: ${result.text}.${media}`
}

function tellMedia(media: Media[]): string {
  return `I see ${mediaList(media)}.`
}

/** "1 image (image/png, 70 bytes) and 1 document (application/pdf, 'a.pdf', 300 bytes)". */
function mediaList(media: Media[]): string {
  const kinds = ['image', 'document', 'audio'] as const
  return kinds
    .map(kind => ({ kind, of: media.filter(one => one.kind === kind) }))
    .filter(group => group.of.length > 0)
    .map(({ kind, of }) => `${of.length} ${kind}${of.length > 1 ? 's' : ''} (${of.map(describe).join('; ')})`)
    .join(' and ')
}

function describe(media: Media): string {
  const facts = [
    media.mediaType,
    media.name === undefined ? undefined : `'${media.name}'`,
    media.at,
    media.bytes === undefined ? undefined : `${media.bytes} bytes`
  ]
  return facts.filter(fact => fact !== undefined).join(', ')
}

function applyStop(ask: Ask, plan: Plan): void {
  let first = -1
  for (const sequence of ask.stop) {
    const at = plan.text.indexOf(sequence)
    if (at < 0 || (first >= 0 && at >= first)) continue
    first = at
    plan.stopSequence = sequence
  }
  if (first < 0) return
  plan.text = plan.text.slice(0, first)
  plan.calls = []
  plan.finish = 'stop-sequence'
}

/** The cap covers thinking, then text, then calls: what does not fit is not said. */
function applyLimit(ask: Ask, plan: Plan): void {
  plan.thinkingTokens = countTokens(plan.thinking) + countTokens(plan.hidden ?? '')
  const spoken = plan.refusal ?? plan.text
  const callTokens = plan.calls.reduce((sum, call) => sum + 8 + countTokens(JSON.stringify(call)), 0)
  plan.textTokens = countTokens(spoken) + callTokens
  // a size that was asked for by name is the point of the drill: no cap shortens it
  const isSized = ask.behaviour.id === 'big' || ask.behaviour.id === 'huge-event'
  const cap = isSized ? undefined : ask.outputTokensMax
  const left = (cap ?? Number.POSITIVE_INFINITY) - plan.thinkingTokens
  if (plan.textTokens <= left) return
  plan.calls = []
  plan.finish = 'length'
  delete plan.stopSequence
  if (left < 0) {
    plan.thinking = piecesOf(plan.thinking).slice(0, cap).join('')
    delete plan.hidden
    plan.thinkingTokens = countTokens(plan.thinking)
  }
  const kept = piecesOf(spoken).slice(0, Math.max(0, left)).join('')
  if (plan.refusal === undefined) plan.text = kept
  else plan.refusal = kept
  plan.textTokens = countTokens(kept)
}
