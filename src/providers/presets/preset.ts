import type { Source } from '../../catalog/facts.ts'
import type { Identity } from '../auth/identity.ts'
import type { AuthStyle, Endpoint, Evidence, Quirks } from '../provider.ts'

/** What addresses leave open, since each user has one of his own: it stands in them as `{region}`. */
export interface Place {
  /** Environment variables that say it, in order of preference. */
  variables: readonly string[]
  fallback?: string
  /** It follows from another place. */
  derived?: { from: string; say: (place: string) => string }
}

export type Endpoints = readonly [Endpoint, ...Endpoint[]]

/** A provider as anybody's key finds it: what `resolveProviders` makes a `Provider` of. */
export interface Preset {
  title: string
  /** Home first. */
  endpoints: Endpoints
  places?: Readonly<Record<string, Place>>
  /** Addresses for whoever names this place. */
  instead?: { place: string; endpoints: Endpoints }
  /** Environment variables that hold a key, in order of preference: the first that is set is used. */
  variables: readonly string[]
  /** A server of one's own, perhaps without keys: the variable that holds its address, and its usual port. */
  address?: { variable: string; port: number }
  /** A cloud: who has no key is known to it by an identity. */
  cloud?: Identity['kind']
  /**
   * Variables that say that this cloud's *models* are meant: then its identity is taken from the environment without an
   * entry. A cloud's own credentials are about on many machines for other reasons, and alone make no provider.
   */
  meant?: readonly string[]
  /** The name whose facts and prices in the catalogue are its too; absent: its own. */
  catalog?: string
  allowPrivate?: readonly string[]
  passRequestId?: true
  routesItself?: true
  /** It goes on generating, and billing, when a connection is closed early: as OpenRouter documents of its providers. */
  bills_after_disconnect?: true
  /** The provider's own documentation, for people. */
  docs: string
  /** What was read for this preset, and when: the page itself, one that quotes it, a listing, or recorded calls. */
  source: Source
  evidence: Evidence
}

/** When the documents that the presets name were read. */
export const READ = '2026-11-22'

/** Addresses and variables from models.dev's listing of providers (MIT). */
export const LISTING: Source = { document: 'https://models.dev', date: '2026-07-02' }

/** Known from recorded calls alone. */
export const TRAFFIC: Source = { document: 'recorded traffic', date: READ }

/** A comparison that quotes the provider's documentation line by line. */
export function compared(name: string): Source {
  return { document: `https://www.developersdigest.tech/reference/api-compatibility/${name}`, date: READ }
}

/** OpenAI's dialect at an address, with where it differs. */
export function chat(baseUrl: string, quirks: Quirks = {}): Endpoint {
  return { dialect: 'openai-chat', baseUrl, auth: 'bearer', quirks }
}

/** The same, where embeddings are to be had in OpenAI's shape as well. */
export function chatAndEmbeddings(baseUrl: string, quirks: Quirks = {}): Endpoint {
  return { ...chat(baseUrl, quirks), embeddings: 'openai' }
}

/** OpenAI's younger dialect. */
export function responses(baseUrl: string, quirks: Quirks = {}): Endpoint {
  return { dialect: 'openai-responses', baseUrl, auth: 'bearer', quirks }
}

/** Anthropic's dialect at an address. Servers that imitate it mostly want a bearer token all the same. */
export function messages(baseUrl: string, auth: AuthStyle = 'bearer'): Endpoint {
  return { dialect: 'anthropic-messages', baseUrl, auth, quirks: {} }
}

/** The role came with OpenAI's reasoning models; where it is unknown, `system` says the same. */
export const NO_DEVELOPER: Quirks = { roles: { developer: 'system' } }

/** Documents `max_tokens` alone: the newer name would be refused, or passed over and leave the answer without a cap. */
export const OLD_CAP: Quirks = { ...NO_DEVELOPER, rename: { max_completion_tokens: 'max_tokens' } }
