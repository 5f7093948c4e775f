import { catalog, familyOwner } from '../catalog/catalog.ts'
import { isObject } from '../json.ts'
import { type Resolved, resolveProviders } from '../providers/resolve.ts'
import { checkRoutes } from './check-routes.ts'
import { type Env, KEY_VARIABLE } from './complete.ts'
import { valueAt } from './issues.ts'
import type { Report } from './report.ts'
import type { Config } from './schema.ts'

/** Providers can be made of their entries. Returns what there is to call, for the routes. */
export function checkProviders(config: Config, report: Report, env: Env): Resolved {
  const resolved = resolveProviders(config.providers, env)
  for (const { path, message, nearest } of resolved.problems) {
    report.add({ path: ['providers', ...path], atName: path.length === 1, message, ...(nearest && { nearest }) })
  }
  return resolved
}

/** Every name in the routes leads somewhere. `raw` is the file as written: an entry that is wrong still has its name. */
export function checkNames(config: Config, raw: unknown, { found, missing }: Resolved, report: Report): void {
  const names = (section: string) => Object.keys((valueAt(raw, [section]) ?? {}) as object)
  const unready = new Map(missing.map(({ name, variables }) => [name, `set ${variables.join(' or ')}`]))
  if (config.sim !== true) unready.set('sim', 'it is off; turn it on with `sim: true`')
  const { faults, warnings } = checkRoutes(config.routes, {
    routeNames: new Set(names('routes')),
    providers: new Set([...found.map(({ name }) => name), ...names('providers'), 'sim', ...unready.keys()]),
    unready,
    knows: model => catalog.providersOf(model).length > 0 || familyOwner(model) !== undefined,
    pathOf: name => {
      const entry = valueAt(raw, ['routes', name])
      return isObject(entry) && 'to' in entry ? ['routes', name, 'to'] : ['routes', name]
    }
  })
  for (const fault of faults) report.add(fault)
  for (const warning of warnings) report.warn(warning)
}

/** Who may call: a gateway without keys is for this machine alone, since it spends its owner's money (D16). */
export function checkDoor(config: Config, written: Config['auth'] | undefined, report: Report): void {
  const { host } = config.listen
  const fault = (path: string, message: string) => report.add({ path: [path], atName: false, message })
  if (config.auth === 'keys' && config.keys.length === 0) {
    const message = `keys: no key is declared here; calls need one that \`gatehouse keys create\` makes, or ${KEY_VARIABLE}`
    report.warn({ path: ['auth'], atName: false, message })
  }
  if (written === 'open' && config.auth === 'open' && config.keys.length > 0) {
    fault('auth', 'open: takes every call, and yet keys are declared; take one of the two out')
  }
  if (config.auth === 'open' && !isLoopback(host)) {
    const remedy = `declare keys, set ${KEY_VARIABLE}, or listen on 127.0.0.1`
    fault('listen', `refuses to start: anybody who reaches ${host} could call without a key; ${remedy}`)
  }
  const seen = new Set<string>()
  for (const [index, { name, key }] of config.keys.entries()) {
    const path = ['keys', index]
    if (seen.has(`name ${name}`))
      report.add({ path: [...path, 'name'], atName: false, message: 'another key has this name' })
    if (seen.has(`key ${key.reveal()}`))
      report.add({ path: [...path, 'key'], atName: false, message: 'another holder has this key' })
    seen.add(`name ${name}`).add(`key ${key.reveal()}`)
  }
}

/** An address only this machine can reach: 127.0.0.0/8, ::1 (also mapped), or the name that stands for them. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return bare === 'localhost' || bare === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(bare)
}
