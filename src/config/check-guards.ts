import { valueAt } from './issues.ts'
import { type Path, suggest } from './problems.ts'
import type { Report } from './report.ts'
import type { Config } from './schema.ts'

/** Every name under `guards: […]` of a route, a key or a team is that of a guard; and no guard looks at nothing. */
export function checkGuards(config: Config, raw: unknown, report: Report): void {
  const known = Object.keys((valueAt(raw, ['guards']) ?? {}) as object)
  const named = new Set<string>()
  for (const { path, names } of lists(config)) {
    for (const [index, name] of (names ?? []).entries()) {
      named.add(name)
      if (known.includes(name)) continue
      const message = `no guard has the name "${name}"`
      report.add({ path: [...path, 'guards', index], atName: false, message, ...suggest(name, known) })
    }
  }
  for (const [name, { always }] of Object.entries(config.guards)) {
    if (always || named.has(name)) continue
    const message = 'looks at no call: say `always: true`, or name it under `guards` of a route, a key or a team'
    report.warn({ path: ['guards', name], atName: true, message })
  }
}

function lists({ routes, keys, teams }: Config): { path: Path; names: readonly string[] | undefined }[] {
  return [
    ...Object.entries(routes).map(([name, { guards }]) => ({ path: ['routes', name], names: guards })),
    ...keys.map(({ guards }, index) => ({ path: ['keys', index], names: guards })),
    ...teams.map(({ guards }, index) => ({ path: ['teams', index], names: guards }))
  ]
}
