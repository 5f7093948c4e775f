import type { Clock } from '../clock.ts'
import type { Credential, Endpoint, Outgoing, Provider } from '../providers/provider.ts'
import type { Step } from '../routing/facts.ts'
import type { Target, Timeouts } from '../routing/route.ts'
import type { Upstream } from '../wire/upstream.ts'
import type { PrepareOptions } from './prepare.ts'

/** Where an endpoint is. */
export interface Address {
  origin: string
  /** Comes before every path; no slash at its end. */
  path: string
}

/** What an attempt works with: plain values of one config version, and the process's sockets. */
export interface AttemptRooms {
  provider(name: string): Provider
  credential(provider: Provider, id: string): Credential
  /** The endpoint's base URL, taken apart: `https://api.example.com` and `/v1`. */
  address(endpoint: Endpoint): Address
  timeouts(step: Step): Timeouts
  /** Whether the target is known to think before it speaks, so that its first token may take long (D12). */
  reasons(target: Target): boolean
  /** Whether the target is known to go on from the beginning of an answer that it is given. */
  prefills(target: Target): boolean
  /** The headers that carry the credential; a promise where a token must be fetched or the request signed. */
  authorize(
    provider: Provider,
    endpoint: Endpoint,
    credential: Credential,
    outgoing: Outgoing
  ): string[] | Promise<string[]>
  /** The provider refused this credential. Returns whether another try would be made with a fresh token. */
  refused(provider: Provider, endpoint: Endpoint, credential: Credential): boolean
  fetchMedia: PrepareOptions['fetchMedia']
  traceparent: PrepareOptions['traceparent']
  upstream: Upstream
  clock: Clock
  strict: boolean
  forceCanonical: boolean
  userAgent: string
  /** Largest whole answer and largest stream event, in bytes. */
  replyBytesMax: number
  eventBytesMax: number
}
