import { isObject } from '../../src/json.ts'
import { type Interaction, readStream } from './interactions.ts'
import { hear } from './words.ts'

/** What a rule does not hold of, and need not: keyed by what an interaction is, never by which it is. */
export interface Exception {
  rule: RegExp
  /** In words, for whoever reads the run. */
  reason: string
  covers(finding: string, interaction: Interaction): boolean
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    rule: /^crossed-request$/,
    reason: 'it refers to what only a provider of its own dialect has, and is refused by name (cannot_cross)',
    covers: finding => /: refused as cannot_cross: [\w$.[\]]+(, |\b)/.test(finding)
  },
  {
    rule: /^same-/,
    reason: 'the door refuses what its provider refused',
    covers: (finding, { operation, status }) =>
      operation === 'error' && status < 500 && /(refused with|status) 4\d\d/.test(finding)
  },
  {
    rule: /^same-reply$/,
    reason: 'the answer says that it failed: the client is told in the words of the gateway',
    covers: (_, interaction) => hear(interaction, readStream)?.failed === true || isErrorBody(interaction)
  },
  {
    rule: /^same-reply$/,
    reason: 'the stream never says why it ended: the client is told that it is not complete (D30)',
    covers: (_, interaction) => interaction.stream !== undefined && hear(interaction, readStream)?.finish === undefined
  },
  {
    rule: /^same-reply$/,
    reason:
      'comments from before the first content (until then an attempt may fail) and [DONE] behind the end of a dialect that has none are not passed on',
    covers: finding => finding.includes('only what is no event differs')
  },
  {
    rule: /^reply-document$/,
    reason: 'a member that clients read without asking, and that this provider leaves out, is added',
    covers: finding => ADDED.test(finding)
  },
  {
    rule: /^same-words$/,
    reason: 'two answers are in one recording',
    covers: (_, { stream }) => new Set(stream?.bytes.toString().match(/^data: ?\{"id": ?"[^"]+"/gm)).size > 1
  },
  {
    rule: /^crossed-reply$/,
    reason: 'the provider counts more cached tokens than input, which dialects that count them apart cannot say',
    covers: (finding, interaction) => {
      const { input = 0, cached = 0, written = 0 } = hear(interaction, readStream)?.counts ?? {}
      return cached + written > input && finding.includes('usage inputTokens')
    }
  },
  {
    rule: /^crossed-reply$/,
    reason: 'the model itself failed (its finish is `error`): not every dialect has a word for that beside its errors',
    covers: finding => /finish error became other|refused as server_error: The model stopped/.test(finding)
  },
  {
    rule: /^crossed-/,
    reason: 'arguments that are no JSON are put into an object where a dialect takes nothing else',
    covers: finding => finding.includes('calls:') && finding.includes('_raw')
  },
  {
    rule: /^crossed-request$/,
    reason:
      'words of ours stand where the other dialect demands some: a first turn of the user, text beside a document',
    covers: finding => /text of user: "(.*)" became "(Continue\.)*\1(Seethedocument\.)?"/.test(finding)
  }
]

const ADDED =
  /^(object|created|background|store|top_logprobs|metadata|parallel_tool_calls|text|tool_choice|truncation|usage\.\w+_details) is added$/

function isErrorBody({ reply }: Interaction): boolean {
  return isObject(reply) && isObject(reply.error)
}
