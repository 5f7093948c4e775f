import type { CacheMode } from '../cache-rules.ts'
import { isObject } from '../json.ts'
import { valueAt } from './issues.ts'
import type { Path } from './problems.ts'
import type { Report } from './report.ts'
import type { Config } from './schema.ts'

/** Where questions are to be compared, something says by which model; and a gateway that compares some has what it needs. */
export function checkCache(config: Config, raw: unknown, report: Report): void {
  if (config.cache.semantic) return
  const modeAt = (name: string): Path => {
    const path = ['routes', name, 'cache']
    return isObject(valueAt(raw, path)) ? [...path, 'mode'] : path
  }
  const said: { mode: CacheMode | undefined; path: Path }[] = [
    { mode: config.cache.mode, path: ['cache', 'mode'] },
    ...Object.entries(config.routes).map(([name, { cache }]) => ({ mode: cache?.mode, path: modeAt(name) })),
    ...config.keys.map(({ cache }, index) => ({ mode: cache, path: ['keys', index, 'cache'] }))
  ]
  for (const { mode, path } of said) {
    if (mode !== 'semantic') continue
    const message = 'semantic: which model makes vectors of questions? Say it under `cache.semantic.embeddings`'
    report.add({ path, atName: false, message })
  }
}
