import type { CodeFacts } from './facts.ts'
import { PROVIDER_CODES } from './provider-codes.ts'

/** Every stable error code of the gateway. `docs/reference/errors.md` has one section for each; a test holds both. */
export const CODES = {
  invalid_json: {
    status: 400,
    kind: 'bad_request',
    when: 'The body is not one well-formed JSON object; the message gives line and column.',
    fix: 'Mend the body at the place that is named.'
  },
  json_too_deep: {
    status: 400,
    kind: 'bad_request',
    when: 'The body nests deeper than `limits.depth`.',
    fix: 'Flatten the body, or raise `limits.depth`.'
  },
  duplicate_key: {
    status: 400,
    kind: 'bad_request',
    when: 'A member that decides the call (`model`, `messages`, `stream`, …) is there twice; a provider might take the other one.',
    fix: 'Send the member once.'
  },
  wrong_type: {
    status: 400,
    kind: 'bad_request',
    when: 'A member has a type or value the dialect does not allow; `param` is its path.',
    fix: 'Send what the message expects at that path.'
  },
  missing_field: {
    status: 400,
    kind: 'bad_request',
    when: 'A member the dialect requires is absent; `param` is its path.',
    fix: 'Send the member.'
  },
  invalid_header: {
    status: 400,
    kind: 'bad_request',
    when: 'A header `x-gatehouse-…` or `Idempotency-Key` has a value that cannot be read, or names a route that is not there.',
    fix: 'Send what the message expects, or leave the header out.'
  },
  media_unreachable: {
    status: 400,
    kind: 'bad_request',
    when: 'The provider takes pictures and documents as bytes alone, and what an address of the call names could not be fetched for it.',
    fix: 'Send the bytes, or an address that anybody can reach; see `media` in the configuration for sizes and private addresses.'
  },
  loss_refused: {
    status: 400,
    kind: 'bad_request',
    when: 'Strict mode: the target speaks another dialect in which part of the request cannot be said; the message names each part.',
    fix: 'Leave those parts out, choose a target that speaks your dialect, or set `strict: false`.'
  },
  cannot_cross: {
    status: 400,
    kind: 'cannot_cross',
    when: "The call needs what only its own dialect's provider has (`previous_response_id`, a hosted tool, …), and no target that could be asked speaks that dialect; the message names it.",
    fix: 'Choose a target that speaks your dialect, or leave the named members out.'
  },
  foreign_id: {
    status: 400,
    kind: 'bad_request',
    when: 'An id in the call (`previous_response_id`, `file_id`, a container, …) was not given out by this gateway. Where keys are asked for, nobody can tell whose it is.',
    fix: 'Use ids of answers that came through this gateway: they begin with `gh_`.'
  },
  held_apart: {
    status: 400,
    kind: 'bad_request',
    when: 'The call refers to things that are kept at different providers, or under different credentials of one.',
    fix: 'Refer to things that were made with the same provider; leave the others out.'
  },
  guardrail_blocked: {
    status: 400,
    kind: 'refused_here',
    when: 'A guard does not let the request or the answer pass. The message names the guard, its rule and the reason, never the text that was found.',
    fix: 'Leave out what the rule is about. Whoever runs the gateway: see `guards` in the configuration; `flag` lets it pass and counts it.'
  },
  guard_cannot_stream: {
    status: 400,
    kind: 'refused_here',
    when: 'A guard can only judge a whole answer, and is set to refuse calls for a stream (`on_stream: refuse`).',
    fix: 'Ask without `stream`, or have the guard hold the answer back instead (`on_stream: hold`).'
  },
  malformed_http: {
    status: 400,
    kind: 'bad_request',
    when: 'The request line, headers or framing break HTTP/1.1 (two Content-Lengths, both length and chunks, …).',
    fix: 'Use an HTTP library rather than writing requests by hand; look at proxies in between.'
  },
  invalid_input: {
    status: 400,
    kind: 'bad_request',
    when: 'A request to the admin API has a member that is missing, unknown or of another form; `param` is its path and the message says what was expected.',
    fix: 'Send what the message expects at that path; `/admin/openapi.json` describes every request.'
  },
  missing_key: {
    status: 401,
    kind: 'refused_here',
    when: 'The gateway asks for a key and none was sent.',
    fix: 'Send a key as `Authorization: Bearer …`, `x-api-key`, `api-key` or `x-goog-api-key`.'
  },
  invalid_key: {
    status: 401,
    kind: 'refused_here',
    when: 'The key is not known here.',
    fix: 'Check the key for typing errors; ask whoever runs the gateway for a current one.'
  },
  ambiguous_credentials: {
    status: 401,
    kind: 'refused_here',
    when: 'Two differing keys came on one call (`Authorization`, `x-api-key`, `api-key`, `x-goog-api-key`, `?key=`).',
    fix: 'Send one key. Claude Code: set either `ANTHROPIC_AUTH_TOKEN` or `ANTHROPIC_API_KEY`.'
  },
  key_disabled: {
    status: 401,
    kind: 'refused_here',
    when: 'The key, or a key it was made from, or its team, user or organisation, is disabled.',
    fix: 'Ask whoever runs the gateway to enable it, or for another key.'
  },
  key_expired: {
    status: 401,
    kind: 'refused_here',
    when: 'The key, or a key it was made from, has expired.',
    fix: 'Ask for a new key, or for a later expiry.'
  },
  address_refused: {
    status: 403,
    kind: 'refused_here',
    when: 'The key may not be used from this address.',
    fix: 'Call from an address that the key allows, or have its address ranges changed.'
  },
  not_allowed: {
    status: 403,
    kind: 'refused_here',
    when: 'The key may not do this: ask for this model, use this door, or call this provider; in the admin API: the role has no such permission. The message says which.',
    fix: 'Ask for a key (or a role) that may, or use what this one allows.'
  },
  residency_refused: {
    status: 403,
    kind: 'refused_here',
    when: 'No provider that could answer is known to fulfil what the gateway, the route, the key, its team or the call demands of where data goes and what becomes of it (`require`). What nobody said of a provider counts as not fulfilled.',
    fix: 'Ask for a model whose provider fulfils it. Whoever runs the gateway: say what holds of the provider under its `data`; the message names what each one was left out by.'
  },
  unpriced_model: {
    status: 403,
    kind: 'refused_here',
    when: 'No price is known for any model that could answer, and the policy for unknown prices is to refuse (`unknown_price: block`).',
    fix: 'Give the model a price under `prices`, choose another model, or change the policy.'
  },
  host_refused: {
    status: 403,
    kind: 'refused_here',
    when: 'Open mode: the `Host` header does not name this loopback address and port (a web page may be behind it).',
    fix: 'Call `http://127.0.0.1:PORT` or `http://localhost:PORT`. For other names use `auth: keys`.'
  },
  origin_refused: {
    status: 403,
    kind: 'refused_here',
    when: 'Open mode: a web page of an origin that is not listed sent the call.',
    fix: "List the page's origin under `allowed_origins`, or use `auth: keys`."
  },
  unknown_endpoint: {
    status: 404,
    kind: 'bad_request',
    when: 'No door at this path.',
    fix: "Check the base URL: OpenAI clients want `…/v1`, Anthropic's and Google's the address without a version."
  },
  unknown_model: {
    status: 404,
    kind: 'no_such_model',
    when: 'The model name leads to no route and no configured provider; the message says why and names near ones.',
    fix: "Use one of the near names, set the provider's variable, or add a route; `GET /v1/models` lists what there is."
  },
  unknown_object: {
    status: 404,
    kind: 'bad_request',
    when: "The id names nothing that this key has: it was never given out, is another key's, or what it named is gone.",
    fix: 'Check the id and the key. What a provider keeps it may also forget: OpenAI keeps answers for 30 days.'
  },
  no_allowed_target: {
    status: 404,
    kind: 'bad_request',
    when: 'What the call itself allows (`provider.only`, `ignore`, `max_price`, an id of something that is kept at one provider, …) leaves no target; the message names each.',
    fix: 'Allow more, or add a provider that fits. `gatehouse explain` shows what each rule leaves.'
  },
  not_found: {
    status: 404,
    kind: 'bad_request',
    when: 'The admin API has nothing under this id that the caller may see.',
    fix: 'Check the id; lists show what there is.'
  },
  method_not_allowed: {
    status: 405,
    kind: 'bad_request',
    when: 'The door exists, but not for this method.',
    fix: 'Use the method in the `allow` header.'
  },
  declared_in_file: {
    status: 409,
    kind: 'bad_request',
    when: 'The object is declared in the configuration file, which wins over the admin API.',
    fix: 'Change it in the file; the change is in force at once.'
  },
  conflict: {
    status: 409,
    kind: 'bad_request',
    when: 'The object exists already, or was changed meanwhile.',
    fix: 'Read it again, and send the change for what it is now.'
  },
  no_stored_body: {
    status: 409,
    kind: 'bad_request',
    when: 'What the call said was not kept, so that it cannot be made again.',
    fix: 'Have bodies kept (`bodies: { level: full }`, for a team or a key alone where that is enough); calls from then on can be replayed.'
  },
  redacted_body: {
    status: 409,
    kind: 'bad_request',
    when: 'What the call said was kept with parts of it masked: the same call cannot be made again.',
    fix: 'Replay it as it was kept, with `allow_redacted: true`; its answer may differ for that alone.'
  },
  idempotency_in_flight: {
    status: 409,
    kind: 'limited_here',
    when: 'A call with the same `Idempotency-Key` is still being answered.',
    fix: 'Come back as `retry-after` says, with the same key: official SDKs do so by themselves. Then its answer is given again.'
  },
  idempotency_spent: {
    status: 410,
    kind: 'refused_here',
    when: 'The call with this `Idempotency-Key` was carried out, and its answer, which was larger than 1 MiB, cannot be given again.',
    fix: 'Use a new key where the call is to be made, and paid for, once more.'
  },
  idempotency_mismatch: {
    status: 422,
    kind: 'bad_request',
    when: 'The `Idempotency-Key` was sent with another request within 24 hours: another body, model or header that providers are told of.',
    fix: 'Use a new key for every request, and the same one only to send that request again, byte for byte.'
  },
  slow_request: {
    status: 408,
    kind: 'bad_request',
    when: 'The head or body of the request did not arrive in time.',
    fix: 'Look at the network between client and gateway.'
  },
  body_too_large: {
    status: 413,
    kind: 'too_large',
    when: 'The body is larger than `limits.body`.',
    fix: 'Send less, or raise `limits.body`.'
  },
  unsupported_media_type: {
    status: 415,
    kind: 'bad_request',
    when: 'The door takes `application/json`.',
    fix: 'Send `content-type: application/json`, uncompressed.'
  },
  headers_too_large: {
    status: 431,
    kind: 'bad_request',
    when: 'The head is larger than `limits.header`.',
    fix: 'Send fewer or shorter headers, or raise `limits.header`.'
  },
  not_cached: {
    status: 504,
    kind: 'refused_here',
    when: 'The call wants a kept answer alone (`x-gatehouse-cache: only`, `cache-control: only-if-cached`), and there is none.',
    fix: 'Ask without it.'
  },
  client_closed: {
    status: 499,
    kind: 'aborted',
    when: 'The client left before the answer was complete. Nobody receives this; it is what the log says.',
    fix: 'Nothing, unless the client did not mean to leave: then look at its timeout.'
  },
  budget_exceeded: {
    status: 429,
    kind: 'budget_exceeded',
    when: 'A budget has no room for what this call may cost; the message names its scope, its limit and when it begins anew.',
    fix: 'Wait for the next window, ask for a larger budget, send a smaller `max_tokens`, or choose a cheaper model.'
  },
  rate_limited_here: {
    status: 429,
    kind: 'limited_here',
    when: 'A limit of this gateway on requests, tokens or calls in flight is reached; `retry-after` says when to come back.',
    fix: 'Wait as `retry-after` says, or have the limit raised.'
  },
  internal: {
    status: 500,
    kind: 'internal',
    when: 'A fault of the gateway itself. The log has the details under the request id.',
    fix: 'Look in the log for the request id, and please report it.'
  },
  overloaded: {
    status: 503,
    kind: 'limited_here',
    when: 'The gateway is at a limit of its own (bytes in flight, open sockets, memory, a late event loop) and sheds new calls; the message says which.',
    fix: 'Wait as `retry-after` says; add replicas, raise `limits.in_flight` or `ulimit -n`, or see `overload`.'
  },
  draining: {
    status: 503,
    kind: 'limited_here',
    when: 'The gateway is shutting down. A call that was not answered when `drain.timeout` was over ends with this too, a stream within itself.',
    fix: 'Send the call again; another replica will take it.'
  },
  ledger_full: {
    status: 503,
    kind: 'limited_here',
    when: 'The disk has no room for the ledger: nothing new is begun that could not be recorded.',
    fix: 'Whoever runs the gateway: make room on the disk of `stores.data`.'
  },
  store_unavailable: {
    status: 503,
    kind: 'limited_here',
    when: 'The database or Redis does not answer in time, and what was asked cannot be decided without it (an unknown key, a hard budget).',
    fix: 'Try again shortly. Whoever runs the gateway: look at the store; the log says which.'
  },
  guard_unavailable: {
    status: 503,
    kind: 'refused_here',
    when: 'A check of a guard failed or did not answer in time, and its guard lets nothing pass unchecked (`on_error: closed`).',
    fix: 'Try again shortly. Whoever runs the gateway: look at what the check asks; `on_error: open` lets calls pass without it.'
  },
  ...PROVIDER_CODES
} as const satisfies Record<string, CodeFacts>
