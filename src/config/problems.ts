import { nearest } from '../nearest.ts'

/** Where a value is in the configuration, from the root: names and list positions. */
export type Path = readonly PropertyKey[]

/** A place in the file; both count from 1. */
export interface Place {
  line: number
  column: number
}

/** One thing wrong with the configuration. Its texts show no value that came from the environment or another file. */
export interface Problem {
  /** The file as it was named; undefined where the fault is in a flag, a variable or their combination. */
  file: string | undefined
  line: number | undefined
  column: number | undefined
  /** `routes.smart.fallback[1].use`; '' for the file as a whole. */
  path: string
  message: string
  /** Known names close to a wrong one, the closest first. */
  nearest?: string[]
}

/** `routes.smart.fallback[1].use`; a name with other characters is quoted: `routes["a b"]`. */
export function formatPath(path: Path): string {
  return path.map((step, index) => formatStep(step, index === 0)).join('')
}

function formatStep(step: PropertyKey, first: boolean): string {
  if (typeof step === 'number') return `[${step}]`
  const name = String(step)
  if (!/^[\w$-]+$/.test(name)) return `[${JSON.stringify(name)}]`
  return first ? name : `.${name}`
}

/** `my.yaml:12:5 routes.smart.fallbak: unknown key; did you mean "fallback"?` */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message } = problem
  const place = line === undefined ? file : `${file ?? 'configuration'}:${line}:${column}`
  const where = [place, path].filter(Boolean).join(' ')
  return `${where ? `${where}: ` : ''}${message}${didYouMean(problem.nearest)}`
}

function didYouMean(names: readonly string[] | undefined): string {
  if (!names?.length) return ''
  return `; did you mean ${names.map(name => JSON.stringify(name)).join(' or ')}?`
}

/** The `nearest` member of a problem, absent where nothing is near. */
export function suggest(name: string, candidates: Iterable<string>): Pick<Problem, 'nearest'> {
  const names = nearest(name, candidates, 2)
  return names.length > 0 ? { nearest: names } : {}
}

/** Everything wrong with a configuration, in the order of the file. `message` is one line for each. */
export class ConfigProblems extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const sorted = [...problems].sort(
      (a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || (a.column ?? 0) - (b.column ?? 0)
    )
    super(sorted.map(formatProblem).join('\n'))
    this.name = 'ConfigProblems'
    this.problems = sorted
  }
}
