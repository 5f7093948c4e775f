import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'flush' | 'level'>

export interface LogOptions {
  level: string
  /** `json`: one object a line. `text`: a line for people. */
  format: 'json' | 'text'
  /** Where lines go; standard output without it. */
  to?: DestinationStream
}

/** A line that waits for others to leave with waits no longer than this. */
const FLUSH_MS = 200

/** The process's log. Lines leave in batches, so that a call never waits for a terminal or a pipe. */
export function createLog({ level, format, to }: LogOptions): Log {
  const out = to ?? destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: FLUSH_MS })
  const stream = format === 'json' ? out : { write: (line: string) => out.write(textLine(line)) }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) } },
    stream
  )
}

function textLine(line: string): string {
  const { time, level, msg, ...rest } = JSON.parse(line) as Record<string, unknown>
  const facts = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? word(value) : escaped(JSON.stringify(value))}`
  )
  return `${`${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(msg ?? '')} ${facts.join(' ')}`.trimEnd()}\n`
}

/** A text as it is, or quoted where it could be taken for more than one: it may come from a stranger's request. */
function word(text: string): string {
  return /^[\w./:@%+,…-]+$/.test(text) ? text : escaped(JSON.stringify(text))
}

/** What JSON leaves as it is and a terminal obeys. */
function escaped(json: string): string {
  return json.replace(/[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
