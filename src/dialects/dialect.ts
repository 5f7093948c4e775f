import type { Failure } from '../errors.ts'
import type { Edit, JsonBody, JsonObject } from '../json.ts'
import type { Usage } from '../usage.ts'
import type { CacheMarks } from './cache-marks.ts'
import type { ChatRequest, ChatResponse, DialectName, Event, Finish, Media } from './canonical.ts'
import type { OwnedLens } from './owned.ts'

/** What a call asks a provider to do. */
export type Operation =
  | 'chat'
  | 'count-tokens'
  /** In OpenAI's shape, whatever the provider's: see operations/embeddings.ts. */
  | 'embeddings'
  /** Something that it keeps (a stored response): read, deleted, cancelled. The door knows the path. */
  | 'object'
  /** No provider is asked: what the guards say is the answer. */
  | 'guard'

/** A place in a native body that holds human text: read it, or put other text in its place (guards, masks). */
export interface TextRef {
  /** Path in the body, as `messages[2].content[0].text`. */
  path: string
  role: 'system' | 'user' | 'assistant' | 'tool'
  /** `tool-description`: what a request says of a tool that it declares, and within the schema of its arguments. */
  kind: 'text' | 'thinking' | 'tool-input' | 'tool-result' | 'tool-description' | 'refusal' | 'document'
  /** Covered by a signature (D21), or a value of a schema: may be read, never replaced. */
  sealed: boolean
  /** Which choice and part a stream's text belongs to, as `0/1`; the same for every piece of one passage. */
  lane: string
  get(): string
  set(text: string): void
}

/** Names of what could not be said in the other dialect, as `top_k` or `messages[3].content[0].signature`. */
export type Losses = string[]

/** How a reply ended (its first choice), and what it used. */
export interface Outcome {
  finish: Finish['unified'] | undefined
  usage: Partial<Usage> | undefined
}

/** Writes a stream in one dialect. One per stream. */
export interface StreamEncoder {
  /** Native text of this event with its framing, or '' where the dialect says nothing for it. */
  push(event: Event): string
}

/** Reads a stream of one dialect. One per stream. Throws a Failure `provider_malformed` on data it cannot read. */
export type StreamDecoder = (event: string, data: string) => Event[]

/** Puts an event into the framing of a stream: the name ('' where the dialect names none) and the data, as text. */
export type WriteEvent = (event: string, data: string) => string

export interface EncoderOptions {
  losses: Losses
  /** The request this stream answers: `streamUsage`, its tools, and what else shapes the native stream. */
  request: Partial<ChatRequest>
  write: WriteEvent
}

/** How the events of a provider's stream are laid out on the wire; a client is sent the first two. */
export type FramingName = 'sse' | 'json-array' | 'eventstream'

/** What a dialect says in the address instead of the body; a door reads it there. */
export interface Address {
  model: string
  stream: boolean
}

/** Where a value stands in a native body, from the top. */
export type MemberPath = readonly string[]

/** How a dialect asks how many tokens a request has, and says it. */
export interface TokenCounter {
  /** Throws a Failure about the client's body. */
  decodeRequest(body: JsonObject, address?: Address): ChatRequest
  encodeRequest(request: ChatRequest, losses: Losses): JsonObject
  /** The count; undefined where the body is no such answer. */
  decodeResponse(body: JsonObject): number | undefined
  encodeResponse(tokens: number): JsonObject
}

/** A wire format, both ways. Pure: no I/O, no clock, no state outside the stream codecs. */
export interface Dialect {
  readonly name: DialectName
  /** Of its streams, unless the address of a call asks for another. */
  readonly framing: FramingName
  /** How its clients and providers send a key, unless a provider says otherwise. */
  readonly auth: 'bearer' | 'x-api-key' | 'x-goog-api-key'
  /** Whose dialect it is: the provider that a model nobody knows goes to (D11). */
  readonly maker: string
  /** Client headers that belong to this dialect and go on to a provider that speaks it (`anthropic-beta`, …). */
  readonly requestHeaders: readonly string[]
  /** Provider headers that belong to this dialect and go back to a client that speaks it. */
  readonly responseHeaders: readonly string[]
  /** Headers a provider of this dialect requires when the client did not say them. */
  readonly defaultHeaders: Readonly<Record<string, string>>
  /** The header this dialect's clients and providers read a request id from. */
  readonly requestIdHeader: string
  /** An event that keeps an idle connection open without meaning anything (D31); '' where the framing's own must do. */
  keepAlive(write: WriteEvent): string
  /** What ends a complete stream (`[DONE]`), '' where nothing does; written where a provider leaves it out (D30). */
  streamEnd(write: WriteEvent): string
  /**
   * Whether a stream event of this name certainly holds no content, so that one which cannot be read may be left out.
   * Where the dialect names no events, only names that say so themselves.
   */
  isQuiet(event: string): boolean
  /**
   * Edits of a native request by which the model goes on from this text as if it had begun its answer with it. Only for
   * models that are known to take that.
   */
  prefill(body: JsonBody, text: string): Edit[]
  /** Path below the provider's base URL, as `/chat/completions`; its query with it, where there is one. */
  path(operation: Operation, model: string, stream: FramingName | false): string
  /**
   * Throws a Failure `wrong_type` or `missing_field` with the `param` path. `address`: what the body does not say where
   * `members` has no place for it.
   */
  decodeRequest(body: JsonObject, address?: Address): ChatRequest
  encodeRequest(request: ChatRequest, losses: Losses): JsonObject
  /** Throws a Failure `provider_malformed` on a body that is no reply of this dialect. */
  decodeResponse(body: JsonObject): ChatResponse
  /** `request`: the one this answers, where a reply of the dialect repeats it or is shaped by it (its tools). */
  encodeResponse(response: ChatResponse, losses: Losses, request?: Partial<ChatRequest>): JsonObject
  /**
   * What a whole reply says of itself, its parts unread: all that must be known of one that passes as it is. Throws what
   * `decodeResponse` would on a body that is no reply.
   */
  readOutcome(body: JsonObject): Outcome
  decoder(): StreamDecoder
  encoder(options: EncoderOptions): StreamEncoder
  /** Bytes that a request must hold for `dropForeign` to find anything: looked for before the body is read. */
  readonly foreignMark: string
  /**
   * Takes out of a native request what we wrote into earlier replies for another maker to read again, since a provider
   * of this dialect refuses it. Edits `body` in place, the member `members.conversation` only; returns what was taken,
   * as losses.
   */
  dropForeign(body: JsonObject): Losses
  /** The lens: every human text of a whole body, in order, to read or replace in place. */
  texts(body: JsonObject, side: 'request' | 'response'): Iterable<TextRef>
  /** The same for the data of one stream event. */
  streamTexts(data: JsonObject): TextRef[]
  /** A provider's error answer, classified (D13). `body` is the parsed JSON, or the text where it is none. */
  readFailure(status: number, body: JsonObject | string, headers: Record<string, string>): Failure
  /** Our failure, said natively: the body of an error answer. */
  error(failure: Failure, requestId: string): JsonObject
  /** Our failure inside a stream that has begun, with its framing. Nothing may follow it. */
  streamError(failure: Failure, requestId: string, write: WriteEvent): string
  /** Whether its providers fetch a picture or document from this address themselves; others are sent the bytes. */
  takesAddress(media: Media): boolean
  /** How its providers must be told the name of a tool, where they do not take every name. */
  toolName?(name: string): string
  /** Absent where the dialect has no way to ask for a count. */
  readonly tokens?: TokenCounter
  /** Absent where no marks are placed for the provider's own cache. */
  readonly cacheMarks?: CacheMarks
  /** Where it names things that its provider keeps for whoever made them (D6); absent where it names none. */
  readonly owned?: OwnedLens
  /** Where the native request keeps a value of a call; undefined where the dialect has no such member. */
  readonly members: {
    /** Absent: the address of the call says it. */
    model?: 'model'
    /** Absent: the address of the call says it. */
    stream?: 'stream'
    /** The turns of the conversation. */
    conversation: 'messages' | 'input' | 'contents'
    /** Where the cap on output stands, in order of preference. */
    outputTokensMax: readonly MemberPath[]
    /** Members that ask the model to think first: its first token may then take long (D12). */
    reasoning: readonly MemberPath[]
    /** How many choices are wanted, where there can be several. */
    choices?: MemberPath
    /** What asks for usage in a stream, if it must be asked for. */
    streamUsage?: MemberPath
    /** What shapes no answer, and is repeated in none: calls that differ in it alone may be given the same one. */
    unheard: readonly string[]
    /** What binds a call to something its provider keeps, or has it fetch what changes: its answer is of that moment. */
    ofTheMoment: readonly string[]
  }
}
