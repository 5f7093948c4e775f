import type { Node } from 'oxc-parser'
import { type Finding, type Source, walk } from './source.ts'

export const FILE_LINES_MAX = 400
export const FUNCTION_LINES_MAX = 70

/** What is longer today, with its length: `path` or `path#function` → lines. A number may only go down. */
export type Exceptions = Readonly<Record<string, number>>

interface Measured {
  path: string
  line: number
  lines: number
  limit: number
}

/** Files and functions within their ceilings; what is longer is listed with its length, which may only shrink. */
export function checkLengths(sources: readonly Source[], exceptions: Exceptions): Finding[] {
  const measured = new Map<string, Measured>()
  for (const source of sources) {
    measured.set(source.path, { path: source.path, line: 1, lines: lineCount(source.text), limit: FILE_LINES_MAX })
    // A test's `describe` is a list of cases, not an algorithm: only its file is measured.
    if (!source.path.startsWith('test/')) measureFunctions(source, measured)
  }
  const tooLong = [...measured].flatMap(([key, found]) => lengthProblem(key, found, exceptions[key]))
  const stale = Object.keys(exceptions).filter(
    key => (measured.get(key)?.lines ?? 0) <= (measured.get(key)?.limit ?? 0)
  )
  return [...tooLong, ...stale.map(staleException)]
}

function lengthProblem(key: string, found: Measured, allowed: number | undefined): Finding[] {
  const { path, line, lines, limit } = found
  if (lines <= limit || lines === allowed) return []
  const where = { path, line, rule: 'length' }
  if (allowed === undefined) return [{ ...where, message: `${key} has ${lines} lines, ${limit} is the ceiling` }]
  if (lines > allowed) return [{ ...where, message: `${key} grew from ${allowed} to ${lines} lines: find its seam` }]
  return [{ ...where, message: `${key} shrank to ${lines}: record it in test/tidy/exceptions.json (was ${allowed})` }]
}

function staleException(key: string): Finding {
  const message = `${key} is no longer too long, or gone: take it out`
  return { path: 'test/tidy/exceptions.json', line: 1, rule: 'length', message }
}

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

function measureFunctions(source: Source, measured: Map<string, Measured>): void {
  walk(source.program, (node, parents) => {
    if (!isFunction(node)) return
    const line = source.lineAt(node.start)
    const lines = source.lineAt(node.end) - line + 1
    const key = `${source.path}#${functionName(node, parents[0])}`
    const longest = measured.get(key)
    if (longest === undefined || longest.lines < lines) {
      measured.set(key, { path: source.path, line, lines, limit: FUNCTION_LINES_MAX })
    }
  })
}

function isFunction(node: Node): boolean {
  return /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)
}

/** Its own name, or that of the variable, property or method that holds it. */
function functionName(node: Node, parent: Node | undefined): string {
  const holder = parent && ('id' in parent ? parent.id : 'key' in parent ? parent.key : undefined)
  for (const named of ['id' in node ? node.id : undefined, holder]) {
    if (named && 'name' in named && typeof named.name === 'string') return named.name
  }
  return 'anonymous'
}
