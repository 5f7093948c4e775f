import type { ChatResponse, Part } from '../../src/dialects/canonical.ts'
import { Failure } from '../../src/errors.ts'
import type { Usage } from '../../src/usage.ts'
import { sameJson } from './essence.ts'
import type { Counts, Heard } from './hear/heard.ts'
import { EARS } from './hear/index.ts'
import type { Interaction, ReadStream } from './interactions.ts'
import { turnsOf } from './native.ts'
import { replyOf, saidIn, wholeReply } from './reading.ts'
import type { Outcome, Rule } from './rule.ts'

/** What the codec reads of a reply is what a reader hears that shares no code with it. */

export const sameWords: Rule = {
  name: 'same-words',
  check(interaction, { readStream }) {
    const heard = hear(interaction, readStream)
    const reply = replyOf(interaction, readStream)
    if (!heard || !reply) return undefined
    if (reply instanceof Failure) {
      return heard.failed || heard.finish === undefined ? [] : [`it is read as a failure: ${reply.message}`]
    }
    if (heard.failed) return ['it says that it failed, and is read as a success']
    return wordFindings(heard, reply)
  }
}

export function hear(interaction: Interaction, readStream: ReadStream): Heard | undefined {
  const ear = EARS[interaction.dialect.name]
  const said = saidIn(interaction, readStream)
  const body = wholeReply(interaction)
  return said ? ear?.stream(said) : body && ear?.whole(body)
}

function wordFindings(heard: Heard, { choices }: ChatResponse): string[] {
  const [choice] = choices
  const { parts, finish } = choice!
  const findings: string[] = []
  for (const type of ['text', 'thinking', 'refusal'] as const) {
    // Where thoughts come in several pieces there are blanks between them.
    const [left, right] =
      type === 'thinking' ? [bare(heard[type]), bare(wordsOf(parts, type))] : [heard[type], wordsOf(parts, type)]
    if (left !== right) findings.push(`${type}: read ${quote(right)}, said ${quote(left)}`)
  }
  const calls = parts.flatMap(part => (part.type === 'tool-call' ? [{ name: part.name, input: part.input }] : []))
  const isSame =
    calls.length === heard.calls.length &&
    calls.every((call, at) => call.name === heard.calls[at]!.name && sameJson(call.input, heard.calls[at]!.input))
  if (!isSame) findings.push(`calls: read ${quote(calls)}, said ${quote(heard.calls)}`)
  if (heard.finish !== undefined && finish.unified !== heard.finish)
    findings.push(`finish: read ${finish.unified}, said ${heard.finish}`)
  return findings
}

function wordsOf(parts: readonly Part[], type: 'text' | 'thinking' | 'refusal'): string {
  return parts.flatMap(part => (part.type === type ? [(part as { text: string }).text] : [])).join('')
}

const bare = (text: string) => text.replace(/\s/g, '')
const quote = (value: unknown) => JSON.stringify(value).slice(0, 200)

/** What was used is what the provider says, cached and reasoning tokens included; the gateway writes down the same. */
export const sameUsage: Rule = {
  name: 'usage',
  async check(interaction, bench) {
    if (interaction.asks === 'count-tokens') return countFindings(interaction)
    const heard = hear(interaction, bench.readStream)
    const reply = replyOf(interaction, bench.readStream)
    if (!heard || !reply || reply instanceof Failure) return undefined
    const findings = countsDiffer('read', heard.counts, reply.usage)
    const body = wholeReply(interaction)
    if (body) findings.push(...countsDiffer('outcome', heard.counts, interaction.dialect.readOutcome(body).usage))
    const turns = await turnsOf(interaction, bench)
    if ('note' in turns) return findings
    for (const { spelling, played } of turns.filter(turn => turn.played.status === 200))
      findings.push(...countsDiffer(`written down (${spelling.name})`, heard.counts, played.usage))
    return findings
  }
}

const COUNTS: readonly (readonly [keyof Counts, keyof Usage])[] = [
  ['input', 'inputTokens'],
  ['output', 'outputTokens'],
  ['cached', 'cacheReadTokens'],
  ['written', 'cacheWriteTokens'],
  ['reasoning', 'reasoningTokens']
]

function countsDiffer(where: string, said: Counts | undefined, usage: Partial<Usage> | undefined): string[] {
  return COUNTS.flatMap(([theirs, ours]) => {
    const [left, right] = [said?.[theirs] ?? 0, usage?.[ours] ?? 0]
    return left === right ? [] : [`${theirs}: ${where} ${right}, said ${left}`]
  })
}

function countFindings({ dialect, operation, reply }: Interaction): Outcome | undefined {
  if (operation === 'error' || !dialect.tokens) return undefined
  const body = reply as Record<string, unknown>
  const said = body.input_tokens ?? body.inputTokens ?? body.totalTokens
  const read = dialect.tokens.decodeResponse(reply as never)
  return said === read ? [] : [`count: read ${read}, said ${said}`]
}
