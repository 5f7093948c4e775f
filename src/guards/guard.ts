import type { z } from 'zod'
import type { TextRef } from '../dialects/dialect.ts'
import type { JsonObject } from '../json.ts'
import type { Secret } from '../secret.ts'

/** Which way the text goes: to the provider, or back to the client. */
export type Side = 'request' | 'response'

/**
 * What becomes of a finding. `mask` puts a placeholder in its place for good, `restore` puts it back in the answer;
 * `flag` records it, `shadow` measures it alone; `reroute` asks the next target, `retry` the same one with the verdict.
 */
export type Action = 'block' | 'mask' | 'restore' | 'flag' | 'shadow' | 'reroute' | 'retry'

/** What a check found. It names the rule and the place and never repeats the text. */
export interface Finding {
  /** Stable, as `pii.email` or `injection.override`: for refusals, records and metrics. */
  rule: string
  /** UTF-16 offsets in the passage, end exclusive; both absent where the finding is of the call as a whole. */
  start?: number
  end?: number
  /** Which passage the offsets are of, where `judge` found it; what `find` finds is of the text it was given. */
  path?: string
  /** 0 to 1: how sure the check is. */
  score: number
  /** What the placeholder says, as `EMAIL` in `[[EMAIL_1]]`: capital letters, digits and single underscores. */
  label?: string
  /** One plain sentence for the caller, without any of the text that was found. */
  reason?: string
}

/** Where a text stands. */
export interface Place {
  side: Side
  role: TextRef['role']
  kind: TextRef['kind']
  /** Path in the body, as `messages[2].content[0].text`. */
  path: string
}

/** One text of a call, with its place. `sealed` ones may be flagged or block, and are never edited (D21). */
export interface Passage extends Place {
  text: string
  sealed: boolean
}

/** A tool as the request declares it. */
export interface DeclaredTool {
  name: string
  /** JSON Schema of its arguments. */
  schema?: JsonObject
}

/** A call of a tool that the model made: in the answer, or in the history that the request repeats. */
export interface ToolCall {
  name: string
  /** JSON text as the model wrote it. */
  input: string
  path: string
}

/** One side of a call as a whole, for checks that no single text can answer. */
export interface Subject {
  side: Side
  operation: string
  dialect: string
  /** The model asked for. */
  model: string
  /** Every passage in scope, in the order of the body. */
  passages: readonly Passage[]
  tools: readonly DeclaredTool[]
  calls: readonly ToolCall[]
  /** The native body, to read only: the request's on both sides, for parameters and the wanted format of the answer. */
  request: JsonObject
  metadata: Readonly<Record<string, string>>
  /** Names the conversation, where the call says it. */
  session?: string
}

/** Who a check is at a cloud: its requests are signed (AWS, SigV4) or carry a token (Microsoft Entra). */
export type CloudCaller = AwsCaller | EntraCaller

interface AwsCaller {
  cloud: 'aws'
  /** What signatures are made out to, as `bedrock` and `eu-west-1`. */
  service: string
  region: string
  /** Absent: found by AWS's own chain, in the named profile where there is one. */
  keys?: { accessKeyId: string; secretAccessKey: Secret; sessionToken?: Secret | undefined } | undefined
  profile?: string | undefined
  /** Taken with these credentials. */
  role?: { arn: string; externalId?: string | undefined } | undefined
}

interface EntraCaller {
  cloud: 'entra'
  /** What tokens are made out to, as `https://cognitiveservices.azure.com/.default`. */
  scope: string
  tenantId: string
  clientId: string
  clientSecret: Secret
  /** As `https://login.microsoftonline.com`. */
  authority: string
}

/** What a check may use that lies outside of it. Each may be absent where the gateway has none. */
export interface Tools {
  /** Milliseconds since 1970. */
  wallMs(): number
  /** The answer's text of a model reached through our own routes, charged to the caller under `purpose` (D25). */
  ask?(question: {
    model: string
    system?: string
    text: string
    purpose: string
    signal: AbortSignal
  }): Promise<string>
  /** One vector a text, by one of our own routes (D25). */
  embed?(question: {
    model: string
    texts: readonly string[]
    purpose: string
    signal: AbortSignal
  }): Promise<number[][]>
  /** What the session's calls came to so far, in nano-dollars. */
  sessionCostNano?(session: string): Promise<number | undefined>
  /**
   * POSTs JSON to an outside service: no redirects, private addresses only where the configuration allows them, the
   * answer at most 1 MB. Rejects on anything but a 2xx with JSON, with a reason that holds no secret and nothing of what
   * the service said. `sign` adds the headers of the gateway's signed webhooks over the body, `as` what a cloud wants.
   */
  post(request: {
    url: string
    headers: Readonly<Record<string, string>>
    body: string
    signal: AbortSignal
    allowPrivate?: readonly string[]
    sign?: string
    as?: CloudCaller
  }): Promise<unknown>
}

/** A check made ready by its options; it lives as long as the configuration does, and keeps nothing of any call. */
export interface Check {
  /**
   * How many UTF-16 units before the end of a stream's text so far a finding may begin that text to come would complete
   * or extend: the stream holds that much back. `whole`: it can only judge the whole answer.
   */
  reach: number | 'whole'
  /** What one text holds. Pure, no I/O, linear in its length. Findings may overlap; they come in any order. */
  find?(text: string, place: Place): readonly Finding[]
  /** What the whole of a side holds. Rejects where it cannot say. */
  judge?(subject: Subject, tools: Tools, signal: AbortSignal): Promise<readonly Finding[]> | readonly Finding[]
}

/** One kind of check: a file of `checks/`. */
export interface CheckKind<Options extends z.ZodType = z.ZodType> {
  /** As `check:` in the configuration names it. */
  readonly name: string
  /** One sentence for the reference. */
  readonly summary: string
  /** A security check that fails or is late stops the call, a quality check lets it pass; `on_error` says otherwise. */
  readonly concern: 'security' | 'quality'
  readonly sides: readonly Side[]
  readonly actions: readonly Action[]
  /** What is done where the configuration names no action. */
  readonly action: Action
  /** Its own members beside `check`, `on`, `action` and the others that every guard has; described, so documented. */
  readonly options: Options
  /** Throws a ConfigProblem-like Error, with a message that says what was expected, where options cannot work together. */
  create(options: z.infer<Options>): Check
}

/** Keeps the options' type beside the function that takes them. */
export function checkKind<Options extends z.ZodType>(kind: CheckKind<Options>): CheckKind<Options> {
  return kind
}
