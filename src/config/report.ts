import type { ReadDocument } from './document.ts'
import { type ValueFault, valueAt } from './issues.ts'
import { formatPath, type Problem } from './problems.ts'
import type { Substituted } from './substitute.ts'

/** Collects problems and warnings and gives each its place in the file. */
export class Report {
  readonly problems: Problem[]
  readonly warnings: Problem[] = []
  readonly #file: string | undefined
  readonly #document: ReadDocument
  readonly #substituted: Substituted
  readonly #value: unknown
  readonly #settled: ReadonlySet<string>

  constructor(file: string | undefined, document: ReadDocument, substituted: Substituted) {
    this.#file = file
    this.#document = document
    this.#substituted = substituted
    this.#value = document.value
    this.problems = [...substituted.problems]
    for (const { place, path, message } of document.faults) {
      this.problems.push({ file, line: place?.line, column: place?.column, path: formatPath(path), message })
    }
    this.#settled = new Set(this.problems.map(problem => problem.path))
  }

  /** What only follows from a value that could not be read at all is left out: its cause is there already. */
  add(fault: ValueFault, list: Problem[] = this.problems): void {
    const path = formatPath(fault.path)
    if (this.#settled.has(path)) return
    const place = fault.atName ? this.#document.keyPlaceOf(fault.path) : this.#document.placeOf(fault.path)
    const message = this.#hide(path, fault)
    const { nearest } = fault
    list.push({
      file: this.#file,
      line: place?.line,
      column: place?.column,
      path,
      message,
      ...(nearest && { nearest })
    })
  }

  warn(fault: ValueFault): void {
    this.add(fault, this.warnings)
  }

  /** Messages may quote the value they are about; one that a `${…}` gave is shown as that reference. */
  #hide(path: string, { path: steps, message }: ValueFault): string {
    const shown = this.#substituted.values.get(path)
    const value = valueAt(this.#value, steps)
    if (shown === undefined || typeof value !== 'string' || value === '') return message
    // A message may also quote a piece of it (the provider of a target, the host of an address).
    return message
      .replace(/"([^"]*)"/g, (quoted, piece: string) => (piece !== '' && value.includes(piece) ? shown : quoted))
      .replaceAll(value, shown)
  }
}
