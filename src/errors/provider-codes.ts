import type { CodeFacts } from './facts.ts'

/** What providers answer, or do not: whatever they call it, each has one code here. */
export const PROVIDER_CODES = {
  provider_bad_request: {
    status: 400,
    kind: 'bad_request',
    when: 'The provider refused the request; its own message is passed on.',
    fix: "Change the request as the provider's message says."
  },
  context_too_long: {
    status: 400,
    kind: 'too_long',
    when: 'The request does not fit the context of the model.',
    fix: 'Shorten the conversation, or fall back to a model with a larger context.'
  },
  content_filtered: {
    status: 400,
    kind: 'content_filter',
    when: 'The provider refused the request for its content.',
    fix: 'Change the content. A route can opt into a fallback with `on: [content_filter]`.'
  },
  provider_too_large: {
    status: 413,
    kind: 'too_large',
    when: 'The provider takes no body of this size.',
    fix: 'Send less, or refer to files by address.'
  },
  provider_rate_limited: {
    status: 429,
    kind: 'rate_limited',
    when: 'Every target that could answer is rate limited by its provider; `retry-after` says when to come back.',
    fix: 'Wait as long as `retry-after` says, add keys or a fallback.'
  },
  provider_refused_us: {
    status: 502,
    kind: 'our_credential',
    when: "The provider did not accept the credential, account or model that *the gateway* used. Not the client's key.",
    fix: 'Whoever runs the gateway: check the variable and the key whose last characters are named.'
  },
  provider_error: {
    status: 502,
    kind: 'server_error',
    when: 'The provider answered with a server error.',
    fix: 'Try again; add a fallback.'
  },
  provider_unreachable: {
    status: 502,
    kind: 'connect',
    when: 'No connection to the provider, or it was reset before an answer.',
    fix: 'Check the address, DNS and firewall of the gateway; private addresses need `allow_private`.'
  },
  provider_malformed: {
    status: 502,
    kind: 'malformed',
    when: "The provider's answer could not be read.",
    fix: 'Check that the provider speaks the dialect it is configured with.'
  },
  provider_truncated: {
    status: 502,
    kind: 'truncated',
    when: "The provider's answer ended before it was complete.",
    fix: 'Try again; what came before is incomplete.'
  },
  provider_timeout: {
    status: 504,
    kind: 'silent',
    when: 'The provider did not answer, did not begin or did not go on in time.',
    fix: 'Try again; raise the timeout of the route, or add a fallback.'
  },
  provider_overloaded: {
    status: 529,
    kind: 'overloaded',
    when: 'The provider says that it is overloaded.',
    fix: 'Wait and try again, or add a fallback.'
  }
} as const satisfies Record<string, CodeFacts>
