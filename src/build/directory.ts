import { catalog, familyOwner } from '../catalog/catalog.ts'
import type { Config, LoadedConfig } from '../config/index.ts'
import { holdersOf, modelsOf, type Provider } from '../providers/provider.ts'
import { type Missing, resolveProviders } from '../providers/resolve.ts'
import { type Names, resolveName } from '../stages/resolve.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Whose the names of routes are. */
export const ROUTE_OWNER = 'gatehouse'

/** A model as `/v1/models` lists it. */
export interface ListedModel {
  id: string
  owner: string
  /** Seconds since 1970; 0 where nobody knows. */
  created: number
  title: string
}

/** Who can be called, and which names lead there. */
export function buildDirectory({ config, sources }: LoadedConfig, simUrl: string | undefined, env: Env) {
  const { found, missing } = resolveProviders(config.providers, env)
  const providers = new Map(found.map(provider => [provider.name, withSources(provider, sources.values)]))
  if (simUrl !== undefined && config.sim !== false) providers.set('sim', simProvider(simUrl))
  return { providers, missing, names: buildNames(config, providers, missing) }
}

/** Credentials say the variable or file they came from, where the configuration had a reference: people look there. */
function withSources(provider: Provider, values: ReadonlyMap<string, string>): Provider {
  const credentials = provider.credentials.map(credential => {
    const path = credential.source.replace(/^config /, '')
    // A key stands there itself or below; of an identity, its first secret is what people look for.
    const below = [...values.keys()].find(name => name.startsWith(`${path}.`))
    return { ...credential, source: values.get(path) ?? values.get(below ?? '') ?? credential.source }
  })
  return { ...provider, credentials }
}

function simProvider(url: string): Provider {
  const { found } = resolveProviders(
    {
      sim: {
        endpoints: [
          { dialect: 'openai-chat', base_url: `${url}/v1`, embeddings: 'openai' },
          { dialect: 'openai-responses', base_url: `${url}/v1` },
          { dialect: 'anthropic-messages', base_url: `${url}/v1` },
          { dialect: 'gemini', base_url: `${url}/v1beta` }
        ],
        allow_private: ['127.0.0.0/8']
      }
    },
    {}
  )
  return { ...found[0]!, simulated: true }
}

function buildNames(config: Config, providers: ReadonlyMap<string, Provider>, missing: readonly Missing[]): Names {
  const routes = new Map(Object.entries(config.routes))
  return {
    routes,
    providers: new Set(providers.keys()),
    missing: reasonsMissing(providers, missing),
    providersOf: model => [...new Set([...holdersOf([...providers.values()], model), ...catalog.providersOf(model)])],
    familyOwner,
    *known() {
      yield* routes.keys()
      for (const provider of providers.values()) {
        for (const { id } of modelsOf(provider)) {
          yield id
          yield `${provider.name}/${id}`
        }
      }
    }
  }
}

/** Why a provider that everybody knows cannot be called here. */
function reasonsMissing(providers: ReadonlyMap<string, Provider>, missing: readonly Missing[]): Map<string, string> {
  const reasons = new Map(
    missing.map(({ name, variables, lacks }) => [
      name,
      variables.length > 0 ? `has no ${lacks.replace('_', ' ')} (set ${variables.join(' or ')})` : 'is not configured'
    ])
  )
  if (!providers.has('sim')) reasons.set('sim', 'is off (turn it on with "sim: true")')
  return reasons
}

/** Routes first, then each provider's known models in both spellings (D11). */
export function listModels(config: Config, providers: ReadonlyMap<string, Provider>, names: Names): ListedModel[] {
  const listed = new Map<string, ListedModel>()
  const add = (model: ListedModel) => {
    if (!listed.has(model.id)) listed.set(model.id, model)
  }
  for (const id of Object.keys(config.routes)) add({ id, owner: ROUTE_OWNER, created: 0, title: id })
  for (const provider of providers.values()) {
    for (const { id, released } of modelsOf(provider)) {
      const model = { owner: provider.name, created: secondsOf(released), title: id }
      add({ ...model, id: `${provider.name}/${id}` })
      const bare = resolveName(id, names, undefined)
      if (bare?.target?.provider === provider.name) add({ ...model, id })
    }
  }
  return [...listed.values()]
}

/** `2026-04-16`, or only its month, as seconds since 1970; 0 where unknown. */
function secondsOf(date: string | null): number {
  return date === null ? 0 : Date.parse(date) / 1000
}
