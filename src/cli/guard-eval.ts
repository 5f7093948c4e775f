import * as z from 'zod'
import { systemClock } from '../clock.ts'
import type { Guard } from '../guards/attached.ts'
import type { Finding, Tools } from '../guards/guard.ts'
import { type Marks, quantile, type Score, scoreOf } from '../guards/scores.ts'
import { tryGuards } from '../guards/trial.ts'
import { JsonBody } from '../json.ts'
import { NO_MODEL, questionOf } from '../stages/guard-question.ts'

const lineSchema = z
  .strictObject({
    text: z.string(),
    side: z.enum(['request', 'response']).default('request'),
    expect: z.enum(['block', 'allow']).optional(),
    rules: z.array(z.string().min(1)).optional(),
    guard: z.string().min(1).optional()
  })
  .refine(({ expect, rules }) => (expect === undefined) !== (rules === undefined), {
    message: 'say either "expect": "block" or "allow", or "rules": […]'
  })

/**
 * One text, and what is to be found in it: something (`expect: block`) or nothing (`allow`), or these rules and no
 * others. `guard`: the one that is to find it; without it, any.
 */
export type EvalLine = z.output<typeof lineSchema>

/** A row of the table: of one guard, of one rule, or of all guards together. */
export interface EvalRow extends Score {
  of: 'guard' | 'rule' | 'all'
  name: string
  check: string | null
  /** Milliseconds that a text took; null where the row is of no guard. */
  p50Ms: number | null
  p99Ms: number | null
}

export interface Evaluation {
  lines: number
  rows: EvalRow[]
  /** Guards that ask somebody outside, and so were left out. */
  skipped: string[]
  /** Guards whose check failed on a line, and on how many. */
  failed: Record<string, number>
}

/** The lines of a file. Throws an Error that names the line which is none. */
export function linesIn(text: string, file: string): EvalLine[] {
  const lines = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const wrong = (what: string) => new Error(`${file}:${index + 1}: ${what}`)
    const { success, data, error } = lineSchema.safeParse(jsonIn(line, wrong))
    if (success) return [data]
    const [issue] = error.issues
    throw wrong(`${issue!.path.length > 0 ? `"${issue!.path.join('.')}": ` : ''}${issue!.message}`)
  })
  if (lines.length === 0) throw new Error(`${file} has no lines`)
  return lines
}

function jsonIn(line: string, wrong: (what: string) => Error): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // What the parser says repeats the text.
    throw wrong('is no JSON')
  }
}

/** What one guard did with all the lines. */
interface Run {
  guard: Guard
  /** Rules that it found, by line; undefined: it does not look at that side. */
  found: (ReadonlySet<string> | undefined)[]
  tookMs: number[]
  failed: number
}

/** Has each guard judge every line by itself, with nobody asked outside, and counts what it found. */
export async function evaluate(lines: readonly EvalLine[], guards: readonly Guard[]): Promise<Evaluation> {
  const runs: Run[] = []
  const skipped: string[] = []
  for (const guard of guards) {
    const run = await runOf(guard, lines)
    if (run) runs.push(run)
    else skipped.push(guard.name)
  }
  const failed = Object.fromEntries(runs.filter(run => run.failed > 0).map(run => [run.guard.name, run.failed]))
  const rows = [
    ...runs.map(run => guardRow(run, lines, runs.length === 1)),
    ...ruleRows(runs, lines),
    allRow(runs, lines)
  ]
  return { lines: lines.length, rows, skipped, failed }
}

/** Undefined where the guard cannot say without asking outside. */
async function runOf(guard: Guard, lines: readonly EvalLine[]): Promise<Run | undefined> {
  const run: Run = { guard, found: [], tookMs: [], failed: 0 }
  for (const line of lines) {
    if (!guard.sides.includes(line.side)) {
      run.found.push(undefined)
      continue
    }
    const tools = new Offline()
    const trial = await trialOf(line, guard, tools)
    if (tools.wasAsked) return undefined
    run.found.push(new Set(trial.findings.map(({ rule }) => rule)))
    run.tookMs.push(trial.tookMs)
    if (trial.failed) run.failed++
  }
  return run
}

interface Trial {
  findings: readonly Finding[]
  tookMs: number
  failed: boolean
}

async function trialOf({ text, side }: EvalLine, guard: Guard, tools: Tools): Promise<Trial> {
  const { dialect, body, request } = questionOf({ text, side })
  const facts = {
    operation: 'chat',
    dialect: dialect.name,
    model: NO_MODEL,
    tools: [],
    calls: [],
    request,
    metadata: {}
  }
  const { guards } = await tryGuards(JsonBody.from(body), { dialect, operation: 'chat' }, [guard], {
    side,
    tools,
    signal: new AbortController().signal,
    facts: () => facts,
    nowMs: () => systemClock.monotonicMs()
  })
  return guards[0]!
}

/** What a check has when nothing runs; it remembers whether somebody outside was to be asked. */
class Offline implements Tools {
  wasAsked = false

  wallMs(): number {
    return systemClock.wallMs()
  }

  get ask(): never {
    return this.#asked()
  }

  get embed(): never {
    return this.#asked()
  }

  get post(): never {
    return this.#asked()
  }

  #asked(): never {
    this.wasAsked = true
    throw new Error('Nobody outside can be asked here.')
  }
}

/** Whether something is to be found in it. */
function isBad({ expect, rules }: EvalLine): boolean {
  return rules ? rules.length > 0 : expect === 'block'
}

function guardRow(run: Run, lines: readonly EvalLine[], isOnly: boolean): EvalRow {
  const { guard, tookMs } = run
  const marks: Marks = { right: 0, wrong: 0, missed: 0 }
  for (const [at, line] of lines.entries()) {
    const found = run.found[at]
    if (found) mark(marks, line, found, guard, isOnly)
  }
  const times = { p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) }
  return { of: 'guard', name: guard.name, check: guard.kind, ...scoreOf(marks), ...times }
}

/**
 * A guard misses what it is named for, or what it alone could find; where several look, what one of them leaves to
 * another is no miss of its own, and the row of all of them tells. Of rules, those that its check makes.
 */
function mark(marks: Marks, line: EvalLine, found: ReadonlySet<string>, { name, kind }: Guard, isOnly: boolean): void {
  const { rules, guard } = line
  if (rules) {
    for (const rule of found) marks[rules.includes(rule) ? 'right' : 'wrong']++
    marks.missed += rules.filter(rule => !found.has(rule) && kindOf(rule) === kind).length
    return
  }
  const isFound = found.size > 0
  if (!isBad(line)) marks.wrong += isFound ? 1 : 0
  else if (isFound) marks.right += guard === undefined || guard === name ? 1 : 0
  else if (guard === undefined ? isOnly : guard === name) marks.missed++
}

/** `url_allow_list.link` is a rule of the check `url-allow-list`. */
function kindOf(rule: string): string {
  return rule.split('.')[0]!.replaceAll('_', '-')
}

function ruleRows(runs: readonly Run[], lines: readonly EvalLine[]): EvalRow[] {
  const byRule = new Map<string, Marks>()
  const add = (rule: string, what: keyof Marks) => {
    const marks = byRule.get(rule) ?? { right: 0, wrong: 0, missed: 0 }
    marks[what]++
    byRule.set(rule, marks)
  }
  for (const [at, { rules }] of lines.entries()) {
    if (!rules) continue
    const found = rulesFound(runs, at)
    for (const rule of found) add(rule, rules.includes(rule) ? 'right' : 'wrong')
    for (const rule of rules) if (!found.has(rule)) add(rule, 'missed')
  }
  return [...byRule]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, marks]) => ({ of: 'rule', name, check: null, ...scoreOf(marks), p50Ms: null, p99Ms: null }))
}

/** A line is right where any guard finds something in it that is to be found. */
function allRow(runs: readonly Run[], lines: readonly EvalLine[]): EvalRow {
  const marks: Marks = { right: 0, wrong: 0, missed: 0 }
  for (const [at, line] of lines.entries()) {
    const isFound = rulesFound(runs, at).size > 0
    if (isBad(line)) marks[isFound ? 'right' : 'missed']++
    else if (isFound) marks.wrong++
  }
  return { of: 'all', name: 'all together', check: null, ...scoreOf(marks), p50Ms: null, p99Ms: null }
}

function rulesFound(runs: readonly Run[], at: number): Set<string> {
  return new Set(runs.flatMap(({ found }) => [...(found[at] ?? [])]))
}

/** What is worse than was asked for, in words; nothing where it is good enough. */
export function shortfalls(
  { rows }: Evaluation,
  least: { recall?: number | undefined; precision?: number | undefined }
): string[] {
  const names = ['recall', 'precision'] as const
  return rows
    .filter(({ of }) => of !== 'rule')
    .flatMap(row => {
      return names.flatMap(name => {
        const [wanted, value] = [least[name], row[name]]
        // With nothing to be found, nothing is shown.
        const isNone = value === null && name === 'recall' && row.of === 'all'
        if (wanted === undefined || (value === null ? !isNone : value >= wanted)) return []
        return [`the ${name} of ${row.name} is ${value === null ? 'unknown' : value.toFixed(3)}, below ${wanted}`]
      })
    })
}
