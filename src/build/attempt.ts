import type { Plant } from '../build.ts'
import type { Config } from '../config/index.ts'
import { type Endpoint, modelFacts, type Provider } from '../providers/provider.ts'
import type { Step } from '../routing/facts.ts'
import type { Timeouts } from '../routing/route.ts'
import type { Address, AttemptRooms } from '../stages/attempt-rooms.ts'
import { clientFacts } from '../stages/client-facts.ts'
import { fetchMedia } from '../stages/fetch-media.ts'
import { traceparentFor } from '../telemetry/spans.ts'

/** Largest whole answer and largest stream event that are taken from a provider, in bytes. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024
const EVENT_BYTES_MAX = 16 * 1024 * 1024

/** Targets not yet tried are kept some of the call's time (D12): until its first content, none takes more than its share. */
function within(deadlineMs: number, timeouts: Timeouts): Timeouts {
  const shareMs = Math.max(1, Math.floor(deadlineMs))
  const { headMs, firstTokenMs, firstTokenReasoningMs, attemptMs } = timeouts
  return {
    ...timeouts,
    headMs: Math.min(headMs, shareMs),
    firstTokenMs: Math.min(firstTokenMs, shareMs),
    firstTokenReasoningMs: Math.min(firstTokenReasoningMs, shareMs),
    attemptMs: Math.min(attemptMs, shareMs)
  }
}

function addressOf(baseUrl: string): Address {
  const { origin, pathname } = new URL(baseUrl)
  return { origin, path: pathname.replace(/\/$/, '') }
}

/** What an attempt works with. */
export function buildAttemptRooms(
  plan: { config: Config; providers: ReadonlyMap<string, Provider> },
  plant: Plant
): AttemptRooms {
  const timeouts = (step: Step): Timeouts =>
    within(step.deadlineMs, { ...plan.config.timeouts, ...step.target.timeouts })
  const addresses = new Map<Endpoint, Address>()
  for (const { endpoints } of plan.providers.values()) {
    for (const endpoint of endpoints) addresses.set(endpoint, addressOf(endpoint.baseUrl))
  }
  const { otlp } = plan.config.telemetry
  const userAgent = `gatehouse/${plant.version}`
  const media = { upstream: plant.upstream, userAgent, settings: plan.config.media }
  return {
    address: endpoint => addresses.get(endpoint)!,
    provider: name => plan.providers.get(name)!,
    credential: (provider, id) => provider.credentials.find(credential => credential.id === id)!,
    timeouts,
    reasons: ({ provider, model }) => modelFacts(plan.providers.get(provider)!, model)?.abilities.reasoning === 'yes',
    prefills: ({ provider, model }) => modelFacts(plan.providers.get(provider)!, model)?.abilities.prefill === 'yes',
    authorize: (...request) => plant.signers.authorize(...request),
    refused: (...request) => plant.signers.refused(...request),
    traceparent: otlp?.propagate
      ? (call, attemptId) => traceparentFor({ id: call.id, client: clientFacts(call) }, attemptId, otlp)
      : undefined,
    fetchMedia: (request, call, dialect) => fetchMedia(request, call, dialect, media),
    upstream: plant.upstream,
    clock: plant.clock,
    strict: plan.config.strict,
    forceCanonical: plant.forceCanonical,
    userAgent,
    replyBytesMax: REPLY_BYTES_MAX,
    eventBytesMax: EVENT_BYTES_MAX
  }
}
