import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { checkBanned } from './banned.ts'
import { checkEffects } from './effects.ts'
import { checkFloors } from './imports.ts'
import { checkLengths, type Exceptions } from './lengths.ts'
import { type Finding, parse, type Source } from './source.ts'

/** So many findings of one rule in one file are justified, and why. Fewer, and the entry must follow. */
export interface Allowed {
  rule: string
  path: string
  count: number
  reason: string
}

/** The rules that hold for a tree of files. Each is a pure function, so that a test can show it a bad tree. */
export function checkHouse(sources: readonly Source[], exceptions: Exceptions, allowed: readonly Allowed[]): Finding[] {
  const findings = [...checkFloors(sources), ...checkBanned(sources), ...checkEffects(sources)]
  return [...withoutAllowed(findings, allowed), ...checkLengths(sources, exceptions)]
}

export function withoutAllowed(findings: readonly Finding[], allowed: readonly Allowed[]): Finding[] {
  const covers = (entry: Allowed, finding: Finding) => entry.rule === finding.rule && entry.path === finding.path
  const complaints = allowed.flatMap(entry => {
    const found = findings.filter(finding => covers(entry, finding)).length
    const problem = entry.reason.trim() === '' ? 'has no reason' : `allows ${entry.count}, there are ${found}`
    if (entry.reason.trim() !== '' && found === entry.count) return []
    const message = `the entry for ${entry.rule} in ${entry.path} ${problem}`
    return [{ path: 'test/tidy/allowed.json', line: 1, rule: 'allowed', message }]
  })
  return [...findings.filter(finding => !allowed.some(entry => covers(entry, finding))), ...complaints]
}

export function readSources(root: string): Source[] {
  const files = globSync('{src,test,bench,proofs,scripts}/**/*.ts', { cwd: root, exclude: ['**/fixtures/**'] })
  return files.sort().map(file => parse(file.split(path.sep).join('/'), readFileSync(path.join(root, file), 'utf8')))
}

export function describeFindings(findings: readonly Finding[]): string {
  return findings.map(({ path, line, rule, message }) => `${path}:${line} ${rule}: ${message}`).join('\n')
}
