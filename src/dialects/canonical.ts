import type { Failure } from '../errors.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Usage } from '../usage.ts'
import type { dialects } from './index.ts'

/** The wire formats we speak: a folder each. A dialect says *how* to say it; a provider says *where* and *as whom*. */
export type DialectName = keyof typeof dialects

/** What only its maker can read or write: signatures, encrypted reasoning, members of its dialect that we don't model. */
export interface Seal {
  maker: DialectName
  value: Json
}

interface Base {
  /** A prompt-cache mark on this element, with its lifetime as the maker spells it (`5m`, `1h`). */
  cache?: { ttl?: string }
  /** Members of the native element that have no place here; written back by their maker, a named loss for others. */
  rest?: Seal
  /**
   * How its maker wrote what is said here already, where there are several ways (`max_tokens` or
   * `max_completion_tokens`, a string or a list, `null` or absent). For its maker to write it the same way again; never
   * a loss elsewhere.
   */
  spelling?: Seal
}

export type Part = Base &
  (
    | { type: 'text'; text: string; citations?: Json[]; seal?: Seal }
    | { type: 'thinking'; text: string; seal?: Seal }
    | { type: 'refusal'; text: string }
    | {
        type: 'media'
        /** IANA media type where known; `image/*`, `audio/*` or `application/octet-stream` where only the family is. */
        mediaType: string
        /** Exactly one of the next four: base64 bytes, an address, a file id at the provider, or plain text. */
        data?: string
        url?: string
        fileId?: Seal
        text?: string
        name?: string
        /** OpenAI's image `detail`. */
        detail?: string
        /** Whether citations into this document were asked for. */
        cite?: boolean
        /** Title and context of a document. */
        title?: string
        context?: string
      }
    /**
     * `input` stays the JSON text the model wrote, byte for byte, also when it is not valid JSON. `freeform`: the tool
     * takes free text, and `input` is that text.
     */
    | { type: 'tool-call'; id: string; name: string; input: string; freeform?: boolean; seal?: Seal }
    | { type: 'tool-result'; id: string; content: Part[]; failed?: boolean; plain?: boolean }
    /** No counterpart elsewhere: carried whole, never guessed at. */
    | { type: 'native'; seal: Seal }
  )

export type PartType = Part['type']
export type Media = Extract<Part, { type: 'media' }>

/**
 * One turn. Tool results are parts of a `user` message (Anthropic's way): a run of OpenAI `tool` messages decodes to
 * one user message each and encodes back to one `tool` message a result. `plain`: the content was a bare string.
 */
export interface Message extends Base {
  role: 'system' | 'developer' | 'user' | 'assistant'
  parts: Part[]
  name?: string
  plain?: boolean
}

export interface Tool extends Base {
  name: string
  description?: string
  /** JSON Schema of the input; absent: takes none. */
  input?: JsonObject
  strict?: boolean
  /**
   * Takes free text instead of JSON (OpenAI's custom tools): its calls have that text as `input`. Who knows no such tool
   * is given a function with one string argument `input`, and its calls are read back as free text. `format`: the
   * grammar, for its maker.
   */
  freeform?: { format?: Seal }
  /** A tool that is not a function and that only its maker runs (hosted search, computer use): its whole declaration. */
  native?: Seal
}

export type ToolChoice = { type: 'auto' } | { type: 'none' } | { type: 'required' } | { type: 'tool'; name: string }

export interface Reasoning {
  /** How hard to think, in OpenAI's and Anthropic's common words. */
  effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'
  /** Anthropic's explicit budget, in tokens. */
  budgetTokens?: number
  /** Anthropic's `thinking.type`: the model decides itself. */
  adaptive?: boolean
  /** Anthropic's `thinking.display`. */
  display?: string
}

export type Format =
  | { type: 'text' }
  | { type: 'json' }
  | { type: 'json-schema'; name?: string; description?: string; schema: JsonObject; strict?: boolean }

/** A chat request in no dialect. An absent member was not said; nothing here is a default. */
export interface ChatRequest {
  /** The dialect it was decoded from. Going back to the same one it is written as it was said, without fitting. */
  maker?: DialectName
  model: string
  stream: boolean
  /** System and developer messages stay where they stood; each dialect puts them where it must. */
  messages: Message[]
  /** Anthropic's top-level `system` given as a bare string. */
  plainSystem?: boolean
  tools?: Tool[]
  toolChoice?: ToolChoice
  parallelToolCalls?: boolean
  outputTokensMax?: number
  temperature?: number
  topP?: number
  topK?: number
  stop?: string[]
  n?: number
  seed?: number
  frequencyPenalty?: number
  presencePenalty?: number
  logprobs?: { top?: number }
  format?: Format
  reasoning?: Reasoning
  /** The end user, as the client names them (`user`, `metadata.user_id`). */
  user?: string
  serviceTier?: string
  /**
   * Members that cannot be left out when another dialect is to say this, since the call would mean something else
   * (`previous_response_id`, hosted tools): crossing is refused, and names them.
   */
  bound?: string[]
  /** The client asked for usage in the stream (dialects that always send it leave it absent). */
  streamUsage?: boolean
  rest?: Seal
  /** As on `Base`. */
  spelling?: Seal
}

/**
 * Why a choice ended: ours beside the provider's own word. `unified` is `stop` only for a natural end or a stop
 * sequence; a failure is never called `stop`.
 */
export interface Finish {
  unified: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'refusal' | 'pause' | 'too-long' | 'error' | 'other'
  /** The provider's word; a dialect writes it back where `maker` is itself, else maps `unified`. */
  raw: string
  maker: DialectName
  stopSequence?: string
}

export interface Choice {
  index: number
  parts: Part[]
  finish: Finish
  logprobs?: Json
  rest?: Seal
  /** As on `Base`. */
  spelling?: Seal
}

export interface ChatResponse {
  id: string
  model: string
  /** Seconds since 1970, where the dialect says it. */
  created?: number
  choices: Choice[]
  usage?: Usage
  rest?: Seal
  /** As on `Base`. */
  spelling?: Seal
}

/**
 * One step of a streamed reply. Parts of a choice are numbered by `index` in order of opening; several may be open at
 * once (parallel tool calls). `text` of a delta is text, thinking, refusal or argument text, by the type of its part.
 */
export type Event =
  | { type: 'start'; id: string; model: string; created?: number; usage?: Partial<Usage>; rest?: Seal; spelling?: Seal }
  | { type: 'open'; choice: number; index: number; part: Part }
  | { type: 'delta'; choice: number; index: number; text?: string; logprobs?: Json; citation?: Json; seal?: Seal }
  | { type: 'close'; choice: number; index: number; seal?: Seal }
  | { type: 'finish'; choice: number; finish: Finish; logprobs?: Json; rest?: Seal; spelling?: Seal }
  | { type: 'usage'; usage: Partial<Usage> }
  | { type: 'ping' }
  /** An event of the dialect that we do not know: raw for its maker's clients, a named loss for others. */
  | { type: 'native'; seal: Seal }
  | { type: 'failed'; failure: Failure }
  | { type: 'end' }

/** What travels from a provider to a client: the bytes the client gets (perhaps none) and what they mean. */
export interface Frame {
  /** In the client's dialect, with its framing (`data: …\n\n`). Empty: the client gets nothing for this frame. */
  raw: Buffer
  events: readonly Event[]
}
