import { Failure, type Kind } from '../errors.ts'
import type { Demand } from '../residency.ts'
import { type LeftOut, REASONS } from '../routing/reasons.ts'

/** Reasons that the call itself gave: nothing is broken, the caller asked for less than there is. */
const WISHES: ReadonlySet<string> = new Set(['only', 'ignore', 'allow_fallbacks', 'max_price', 'pinned'])
/** What a provider must fulfil, and is not known to. */
const DEMANDS: ReadonlySet<string> = new Set<Demand>(['region', 'zero_retention', 'no_training'])
const NAMED_MAX = 5
/** What a provider says of the client's request is passed on unchanged (D34), also in another dialect. */
const OF_THE_REQUEST: ReadonlySet<Kind> = new Set(['bad_request', 'too_long', 'content_filter', 'too_large'])

/** What a whole route's failing comes to, for programs: the first word of `availability`. */
const AVAILABILITY: Partial<Record<Kind, string>> = {
  rate_limited: 'capacity_exhausted',
  overloaded: 'capacity_exhausted',
  limited_here: 'capacity_exhausted',
  connect: 'temporarily_unavailable',
  reset: 'temporarily_unavailable',
  server_error: 'temporarily_unavailable',
  silent: 'temporarily_unavailable',
  slow_first_token: 'temporarily_unavailable',
  stalled: 'temporarily_unavailable',
  truncated: 'temporarily_unavailable',
  malformed: 'temporarily_unavailable',
  our_credential: 'misconfigured',
  spend_limit: 'misconfigured',
  no_such_model: 'misconfigured',
  too_long: 'context_length'
}

/** The failure a client gets when nothing is left to try, with the candidates that were left out. */
export function explainEnd(failure: Failure | undefined, model: string, left: readonly LeftOut[]): Failure {
  const final = failure ?? nothingToTry(model, left)
  const code = AVAILABILITY[final.kind]
  if (failure && code === undefined && left.length === 0) return final
  const { retryAfterMs } = final
  final.details.availability = {
    code: code ?? (isUnwanted(left) ? 'constraint_filtered' : 'refused'),
    retryable: code === 'capacity_exhausted' || code === 'temporarily_unavailable',
    ...(retryAfterMs !== undefined && { retry_after: Math.ceil(retryAfterMs / 1_000) })
  }
  final.details.excluded_by = left.map(({ target, excludedBy }) => ({ target, reason: excludedBy }))
  const isProviders = final.native !== undefined && OF_THE_REQUEST.has(final.kind)
  if (left.length > 0 && !isProviders) final.message = `${final.message} ${inShort(left)}`
  return final
}

function nothingToTry(model: string, left: readonly LeftOut[]): Failure {
  if (left.some(({ excludedBy }) => DEMANDS.has(excludedBy))) {
    return new Failure('residency_refused', `No target of "${model}" is known to fulfil what is demanded of providers.`)
  }
  if (left.some(({ excludedBy }) => excludedBy === 'key')) {
    return new Failure('not_allowed', `This key allows no provider that has "${model}".`, { param: 'model' })
  }
  return isUnwanted(left)
    ? new Failure('no_allowed_target', `What the call allows leaves no target for "${model}".`, { param: 'provider' })
    : new Failure('provider_unreachable', `No target of "${model}" can be called.`)
}

function isUnwanted(left: readonly LeftOut[]): boolean {
  return left.length > 0 && left.some(({ excludedBy }) => WISHES.has(excludedBy) || DEMANDS.has(excludedBy))
}

/** `Left out: openai/gpt-5.5 (its circuit …), and 3 more.` */
function inShort(left: readonly LeftOut[]): string {
  const named = left.slice(0, NAMED_MAX).map(({ target, excludedBy }) => `${target} (${REASONS[excludedBy]})`)
  const more = left.length - named.length
  return `Left out: ${named.join(', ')}${more > 0 ? `, and ${more} more` : ''}.`
}
