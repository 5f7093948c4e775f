import type { JsonObject } from '../json.ts'
import { bodyOf, flagsOf, part, runAlone, type Subcommand } from './commands.ts'
import { plain, record } from './show.ts'
import type { Terminal } from './terminal.ts'

export const summary =
  'makes a call of the log again, and shows the answers beside each other; it costs what a call costs'

const NOTES = `
  --model           another model than the one that was asked for
  --route           another route
  --allow-redacted  also where parts of what was said were masked before it was kept

Without --model and --route: its route, as it is now. Words that only the first answer has stand in [- -], those that
only the other one has in {+ +}.
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  const command: Subcommand = {
    usage: 'ID [--model NAME | --route NAME] [--allow-redacted]',
    summary,
    words: [1, 1],
    options: { ...flagsOf({ one: ['model', 'route'] }), 'allow-redacted': { type: 'boolean' } },
    async run({ client, words, flags, show, out }) {
      const body = {
        ...bodyOf(flags, { model: 'model', route: 'route' }),
        ...(flags['allow-redacted'] === true && { allow_redacted: true })
      }
      const answer = await client.ask('POST', `/logs/${part(words[0])}/replay`, { body })
      await (flags.json ? show(answer) : out(described(answer)))
    }
  }
  return runAlone('replay', command, argv, { notes: NOTES, io })
}

function described({ first, again, same, diff }: JsonObject): string {
  const sides = [first, again] as JsonObject[]
  const rows = sides.map(({ request }) => request as JsonObject)
  const [one, other] = rows.map(facts)
  const { error, text } = again as JsonObject
  const beside = record(Object.fromEntries(Object.keys(one!).map(name => [name, `${one![name]}  →  ${other![name]}`])))
  return `${beside}\n${answerText(error, same, diff, text)}\n`
}

function facts({ id, provider, model, status, finish, usage, cost_usd, total_ms }: JsonObject): Record<string, string> {
  const tokens = (usage ?? {}) as JsonObject
  return {
    call: String(id),
    'answered by': provider === null ? 'nobody' : `${provider}/${model}`,
    status: String(status),
    finish: String(finish ?? '-'),
    'tokens in': String(tokens.input_tokens ?? '-'),
    'tokens out': String(tokens.output_tokens ?? '-'),
    cost: cost_usd === null ? 'unknown' : `$${cost_usd}`,
    took: `${total_ms} ms`
  }
}

function answerText(error: unknown, same: unknown, diff: unknown, text: unknown): string {
  if (error !== null) return lines(`No answer: ${(error as JsonObject).message} (${(error as JsonObject).code})`)
  if (same === true) return 'Both answers are the same.'
  if (diff === null) return lines(`The answer now:\n${text}`)
  const marks = { same: ['', ''], removed: ['[-', '-]'], added: ['{+', '+}'] } as const
  const marked = (diff as { is: keyof typeof marks; text: string }[]).map(part => marks[part.is].join(part.text))
  return lines(marked.join(''))
}

/** Lines stay lines; what would move a cursor does not. */
function lines(text: string): string {
  return text.split('\n').map(plain).join('\n')
}
