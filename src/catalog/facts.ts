import { CHECKED } from './data/checked.ts'
import { HOSTS } from './data/hosts.ts'
import { MAKERS } from './data/makers.ts'

/** Three-valued (D32): what nobody told us is `unknown`, and `unknown` never rules a model out. */
export type Known = 'yes' | 'no' | 'unknown'

/** What a model can take or do beyond text. The order is that of the letters in a row of the data. */
export const ABILITIES = ['tools', 'vision', 'documents', 'reasoning', 'structured', 'temperature', 'prefill'] as const
export type Ability = (typeof ABILITIES)[number]
export type Abilities = Readonly<Record<Ability, Known>>

/** Where a fact comes from, and when that was read. */
export interface Source {
  document: string
  date: string
}

/** One row of `data/`: what is known of a model beside the price data. */
export interface Facts {
  id: string
  /** Tokens of input and output together. */
  contextTokens: number | null
  outputTokensMax: number | null
  abilities: Abilities
  /** `2026-04-16`, or the month where only that is known. */
  released: string | null
  /** The provider has announced its end; such a model can be named but is not listed. */
  retired: boolean
  /** US dollars per million tokens as the source writes them: input, output, cache read, cache write. */
  usdPerMillion: readonly (number | null)[] | null
  source: Source
}

const IMPORTED: Source = { document: 'https://models.dev (MIT)', date: '2026-07-02' }
const LETTERS: Readonly<Record<string, Known>> = { y: 'yes', n: 'no', '?': 'unknown' }
export const UNKNOWN_ABILITIES: Abilities = Object.freeze(readAbilities('???????'))

/** The text of every row about a provider: what a version digest is made of. */
export function rowsOf(provider: string): string {
  return (own(CHECKED, provider)?.rows ?? '') + importedRows(provider)
}

function importedRows(provider: string): string {
  return own(MAKERS, provider) ?? own(HOSTS, provider) ?? ''
}

/** Names come from clients too: `constructor` must not find what every object has. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** Every provider the data has rows for. */
export function providersWithFacts(): string[] {
  return [...new Set([...Object.keys(CHECKED), ...Object.keys(MAKERS), ...Object.keys(HOSTS)])]
}

/** The rows of one provider by model id, checked ones before imported ones. Parses anew: the caller keeps it. */
export function factsOf(provider: string): Map<string, Facts> {
  const facts = new Map<string, Facts>()
  const checked = own(CHECKED, provider)
  if (checked) read(checked.rows, checked.source, facts)
  read(importedRows(provider), IMPORTED, facts)
  return facts
}

function read(rows: string, source: Source, into: Map<string, Facts>): void {
  for (const row of rows.split('\n')) {
    if (row === '') continue
    const facts = readRow(row, source)
    if (!into.has(facts.id)) into.set(facts.id, facts)
  }
}

/**
 * `<id> <context> <output> <abilities> <released> <prices> [retired]`, separated by one space; `-` where unknown.
 * Abilities are seven letters `y n ?` in the order of `ABILITIES`; prices are `input/output/read/write`.
 */
export function readRow(row: string, source: Source): Facts {
  const [id = '', context, output, abilities = '', released, prices = '-', state] = row.split(' ')
  return Object.freeze({
    id,
    contextTokens: numberOrNull(context),
    outputTokensMax: numberOrNull(output),
    abilities: Object.freeze(readAbilities(abilities)),
    released: released === '-' ? null : (released ?? null),
    retired: state === 'retired',
    usdPerMillion: prices === '-' ? null : prices.split('/').map(numberOrNull),
    source
  })
}

function readAbilities(letters: string): Abilities {
  const entries = ABILITIES.map((ability, index) => [ability, LETTERS[letters[index] ?? '?'] ?? 'unknown'])
  return Object.fromEntries(entries) as Abilities
}

function numberOrNull(text: string | undefined): number | null {
  return text === undefined || text === '-' ? null : Number(text)
}
