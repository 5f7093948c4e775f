import { isAbsolute, join } from 'node:path'
import { formatPath, type Path, type Place, type Problem } from './problems.ts'

export interface SubstituteOptions {
  file: string | undefined
  env: Readonly<Record<string, string | undefined>>
  readFile: (path: string) => string
  /** Where relative names of `${file:…}` begin. */
  directory: string
}

/** What `${…}` was replaced, and by what: for messages that say where a value came from without showing it. */
export interface Substituted {
  /** By path (`providers.lab.keys[0]`): the references in it as they can be shown, as `${LAB_KEY}`. */
  values: Map<string, string>
  /** The same paths, in steps. */
  replaced: Path[]
  /** Every file that a `${file:…}` named, also one that could not be read: a change of it is a change of the config. */
  files: Set<string>
  problems: Problem[]
}

/** `$${` says a literal `${`; the last alternative catches what looks like a reference and is none. */
const REFERENCE = /\$\$\{|\$\{file:([^${}]+)\}|\$\{([A-Za-z_]\w*)(?::-([^${}]*))?\}|\$\{/g

/** Replaces `${NAME}`, `${NAME:-default}` and `${file:/path}` in texts, and keeps account of it. */
export function substituter(options: SubstituteOptions) {
  const done: Substituted = { values: new Map(), replaced: [], files: new Set(), problems: [] }

  function substitute(text: string, path: Path, place: Place): string {
    if (!text.includes('${')) return text
    const shown: string[] = []
    const problem = (message: string) => {
      done.problems.push({ file: options.file, ...place, path: formatPath(path), message })
      return ''
    }
    const replaced = text.replace(REFERENCE, (match, file?: string, name?: string, fallback?: string) => {
      if (match === '$${') return '${'
      if (file !== undefined) {
        shown.push(`\${file:${file}}`)
        return readReferred(file, problem)
      }
      if (name === undefined)
        return problem('not a reference: write ${NAME}, ${NAME:-default}, ${file:/path}, or $${ for a literal ${')
      shown.push(`\${${name}}`)
      const value = Object.hasOwn(options.env, name) ? options.env[name] : undefined
      // As in a shell, `:-` stands in for an empty variable too.
      if (fallback !== undefined) return value || fallback
      return value ?? problem(`the variable ${name} is not set; set it, or give a default: \${${name}:-…}`)
    })
    if (shown.length > 0) {
      done.values.set(formatPath(path), shown.join(' '))
      done.replaced.push(path)
    }
    return replaced
  }

  function readReferred(file: string, problem: (message: string) => string): string {
    const path = isAbsolute(file) ? file : join(options.directory, file)
    done.files.add(path)
    try {
      // Files of secrets end in a newline that is not part of the secret.
      return options.readFile(path).replace(/\r?\n$/, '')
    } catch (thrown) {
      return problem(`cannot read ${file}${errorCode(thrown)}`)
    }
  }

  return { substitute, done }
}

/** ` (ENOENT)` of a system error: the code and nothing else of it. */
export function errorCode(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' ? ` (${code})` : ''
}
