import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Event } from '../canonical.ts'
import type { StreamDecoder } from '../dialect.ts'
import { failureInBody } from './failure.ts'
import { given, Members, sealed } from './members.ts'
import { blocked, decodeHead } from './response.ts'
import { CandidateStream } from './stream-candidate.ts'
import { decodeUsage } from './usage.ts'

/** Members of a chunk that are read, or that say the same in every chunk. */
const READ = new Set(['candidates', 'usageMetadata', 'modelVersion', 'responseId', 'createTime', 'promptFeedback'])

/**
 * Reads the chunks of `streamGenerateContent`: each a reply that goes on from the one before, usage cumulative. The
 * stream has no end but that of its connection; a candidate is complete with its `finishReason`.
 */
export function decoder(): StreamDecoder {
  const stream = new Stream()
  return (_event, data) => (data.trim() === '' ? [] : stream.read(parse(data)))
}

class Stream {
  readonly #candidates = new Map<number, CandidateStream>()
  #id: string | undefined
  #usage: JsonObject | undefined
  #seen: JsonObject = {}

  read(chunk: JsonObject): Event[] {
    if (isObject(chunk.error)) return [{ type: 'failed', failure: failureInBody(chunk) }]
    const members = new Members(chunk, '', 'reply')
    const candidates = members.maybeList('candidates') ?? []
    const feedback = members.peek('promptFeedback')
    const events: Event[] = this.#id === undefined ? this.#start(members) : this.#more(chunk)
    for (const [position, each] of candidates.entries()) this.#candidate(each, position, events)
    if (candidates.length === 0 && this.#candidates.size === 0) {
      const nobody = blocked(feedback)
      if (nobody) events.push({ type: 'finish', choice: 0, finish: nobody.finish, spelling: nobody.spelling! })
    }
    const usage = chunk.usageMetadata ?? chunk.usage_metadata
    if (isObject(usage) && !isDeepStrictEqual(usage, this.#usage)) {
      this.#usage = usage
      events.push({ type: 'usage', usage: decodeUsage(usage) })
    }
    return events
  }

  /** The first chunk says what the prompt took, which others want to hear at the start. */
  #start(members: Members): Event[] {
    const head = decodeHead(members)
    this.#id = head.id
    const report = members.maybeObject('usageMetadata')
    if (report) this.#usage = report
    const { rest, spelling } = members.kept()
    this.#seen = isObject(rest?.value) ? rest.value : {}
    const usage = report && decodeUsage(report)
    return [{ type: 'start', ...head, ...given({ usage, rest, spelling }) }]
  }

  /** Members that we do not know, where they are new. */
  #more(chunk: JsonObject): Event[] {
    const found = Object.entries(chunk).filter(
      ([name, value]) => !READ.has(name) && value !== null && !isDeepStrictEqual(value, this.#seen[name])
    )
    if (found.length === 0) return []
    const unread = Object.fromEntries(found)
    Object.assign(this.#seen, unread)
    return [{ type: 'native', seal: sealed(unread) }]
  }

  #candidate(value: Json, position: number, events: Event[]): void {
    const index = isObject(value) && typeof value.index === 'number' ? value.index : position
    const known = this.#candidates.get(index) ?? new CandidateStream(index, this.#id ?? '')
    this.#candidates.set(index, known)
    known.push(value, events)
  }
}

function parse(data: string): JsonObject {
  try {
    const json: unknown = JSON.parse(data)
    // An error may come as a list of one, in the middle of a stream too.
    const [value] = Array.isArray(json) && json.length === 1 ? json : [json]
    if (isObject(value)) return value
  } catch {}
  throw new Failure('provider_malformed', 'The provider sent a stream event that is no JSON object.')
}
