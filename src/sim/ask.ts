import type { Block } from './cache.ts'
import type { Json, JsonObject } from './json.ts'
import type { Behaviour } from './models.ts'

export interface Media {
  kind: 'image' | 'document' | 'audio'
  mediaType?: string
  name?: string
  bytes?: number
  /** A URL or file id where the bytes are not in the request. */
  at?: string
}

export interface ToolResult {
  id: string
  name: string
  text: string
  failed: boolean
  media: Media[]
}

export interface Source {
  index: number
  title: string | null
  text: string
}

export interface Directives {
  words?: number
  paceMs?: number
  chunkChars?: number
}

/** What a valid request asks for, in no dialect. */
export interface Ask {
  model: string
  behaviour: Behaviour
  stream: boolean
  /** Text of the last user turn without its directives. */
  text: string
  directives: Directives
  media: Media[]
  /** Tool results of the last turn; the reply then speaks of them. */
  results: ToolResult[]
  tools: { name: string; schema: Json | undefined; isFreeform?: boolean }[]
  call: 'auto' | 'none' | 'required' | { name: string }
  parallel: boolean
  /** Structured output: the schema, or `true` for any JSON object. */
  shape?: Json
  stop: string[]
  outputTokensMax?: number
  choices: number
  /** Shown: thinking text goes out. Counted: only its tokens. Sealed: only its signature. */
  thinking: 'none' | 'shown' | 'counted' | 'sealed'
  /** Documents with citations enabled. */
  sources: Source[]
  searchesWeb: boolean
  /** Text of a final assistant message that the reply continues. */
  prefill: string
  endsWithAssistant: boolean
  /** The prompt in reading order, counted. */
  blocks: Block[]
  body: JsonObject
  /** What the dialect's reader keeps for its writer. */
  native?: unknown
}

const DIRECTIVE = /\[\[sim:([^\]]*)\]\]/g

/** Takes `[[sim:words=500 pace=1 chunk=20]]` out of a user text: words of reply, ms a portion, characters a portion. */
export function readDirectives(text: string): { text: string; directives: Directives } {
  const directives: Directives = {}
  const rest = text.replace(DIRECTIVE, (_, list: string) => {
    for (const [, name, value] of list.matchAll(/(\w+)=(\d+)/g)) {
      if (name === 'words') directives.words = Math.min(Number(value), 1_000_000)
      if (name === 'pace') directives.paceMs = Number(value)
      if (name === 'chunk') directives.chunkChars = Math.max(1, Number(value))
    }
    return ''
  })
  return { text: rest.trim(), directives }
}
