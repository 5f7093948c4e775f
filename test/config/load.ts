import {
  ConfigProblems,
  formatProblem,
  type LoadedConfig,
  type LoadOptions,
  loadConfig
} from '../../src/config/index.ts'

/** A machine with a few files and nothing else. */
export function reader(files: Readonly<Record<string, string>> = {}): (path: string) => string {
  return path => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return text
  }
}

export function load(text: string, more: Partial<LoadOptions> = {}): LoadedConfig {
  return loadConfig({ path: 'my.yaml', text, env: {}, readFile: reader(), ...more })
}

/** The problems of a file that must not load, as people see them. */
export function problemsOf(text: string, more: Partial<LoadOptions> = {}): string[] {
  try {
    load(text, more)
  } catch (thrown) {
    if (thrown instanceof ConfigProblems) return thrown.problems.map(formatProblem)
    throw thrown
  }
  return []
}
