import { Failure } from '../errors.ts'
import type { Credential } from '../providers/provider.ts'

/**
 * What a provider says of *our* account (its key, organisation, money or rate) is not the client's (D13, D34): the
 * client gets our words, and where a key was refused which variable it came from, and its last four characters.
 */
export function inOurWords(failure: Failure, credential: Credential): Failure {
  const words = aboutOurAccount(failure, credential)
  if (words === undefined) return failure
  return new Failure(failure.code, `${failure.provider} ${words}.`, {
    kind: failure.kind,
    ...(failure.provider !== undefined && { provider: failure.provider }),
    ...(failure.model !== undefined && { model: failure.model }),
    ...(failure.retryAfterMs !== undefined && { retryAfterMs: failure.retryAfterMs }),
    cause: failure
  })
}

function aboutOurAccount({ kind }: Failure, credential: Credential): string | undefined {
  const key = credential.secret
    ? `the key from ${credential.source} (${credential.secret.hint})`
    : credential.identity
      ? `who we are by ${credential.source}`
      : 'a call without a key'
  if (kind === 'our_credential') return `did not accept ${key}`
  if (kind === 'spend_limit') return `has no credit left for ${key}`
  return kind === 'rate_limited' ? "limits the rate of the gateway's account" : undefined
}
