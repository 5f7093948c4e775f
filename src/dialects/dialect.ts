import type { Failure } from '../errors.ts'
import type { Edit, JsonBody, JsonObject } from '../json.ts'
import type { Usage } from '../usage.ts'
import type { ChatRequest, ChatResponse, DialectName, Event, Finish } from './canonical.ts'

/** What a call asks a provider to do. */
export type Operation = 'chat' | 'count-tokens'

/** A place in a native body that holds human text: read it, or put other text in its place (guards, masks). */
export interface TextRef {
  /** Path in the body, as `messages[2].content[0].text`. */
  path: string
  role: 'system' | 'user' | 'assistant' | 'tool'
  kind: 'text' | 'thinking' | 'tool-input' | 'tool-result' | 'refusal' | 'document'
  /** Covered by a signature (D21): may be read, never replaced. */
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

export interface EncoderOptions {
  losses: Losses
  /** The request this stream answers: `streamUsage`, and what else shapes the native stream. */
  request: Pick<ChatRequest, 'streamUsage' | 'n'>
}

/** A wire format, both ways. Pure: no I/O, no clock, no state outside the stream codecs. */
export interface Dialect {
  readonly name: DialectName
  readonly framing: 'sse'
  /** Client headers that belong to this dialect and go on to a provider that speaks it (`anthropic-beta`, …). */
  readonly requestHeaders: readonly string[]
  /** Provider headers that belong to this dialect and go back to a client that speaks it. */
  readonly responseHeaders: readonly string[]
  /** Headers a provider of this dialect requires when the client did not say them. */
  readonly defaultHeaders: Readonly<Record<string, string>>
  /** The header this dialect's clients and providers read a request id from. */
  readonly requestIdHeader: string
  /** What keeps an idle connection open without meaning anything (D31). */
  readonly keepAlive: string
  /** What ends a complete stream, with its framing (`data: [DONE]`); written where a provider leaves it out (D30). */
  readonly streamEnd: string
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
  /** Path below the provider's base URL, as `/chat/completions`. */
  path(operation: Operation, model: string, stream: boolean): string
  /** Throws a Failure `wrong_type` or `missing_field` with the `param` path. */
  decodeRequest(body: JsonObject): ChatRequest
  encodeRequest(request: ChatRequest, losses: Losses): JsonObject
  /** Throws a Failure `provider_malformed` on a body that is no reply of this dialect. */
  decodeResponse(body: JsonObject): ChatResponse
  encodeResponse(response: ChatResponse, losses: Losses): JsonObject
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
   * of this dialect refuses it. Edits `body` in place, `messages` only; returns what was taken, as losses.
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
  streamError(failure: Failure, requestId: string): string
  /** Members of the native request that say where a value of a call is kept; undefined where the dialect has none. */
  readonly members: {
    /** Where the cap on output stands, in order of preference. */
    outputTokensMax: readonly string[]
    /** Members that ask the model to think first: its first token may then take long (D12). */
    reasoning: readonly string[]
    /** The member that says how many choices are wanted, where there can be several. */
    choices?: string
    /** The member path that asks for usage in a stream, if it must be asked for. */
    streamUsage?: readonly string[]
  }
}
