/**
 * What went wrong, as the routing sees it (D13). Provider failures are classified once, by the dialect that reads
 * them; routes, retries and circuits name these kinds and never a status code.
 */
export type Kind =
  // the provider did not answer, or not well: another try may help
  | 'connect'
  | 'reset'
  | 'server_error'
  | 'overloaded'
  | 'rate_limited'
  | 'silent'
  | 'slow_first_token'
  | 'stalled'
  | 'truncated'
  | 'malformed'
  // the provider refuses us (our account, our key, a model it does not have)
  | 'our_credential'
  | 'spend_limit'
  | 'no_such_model'
  // the provider refuses this request
  | 'too_long'
  | 'content_filter'
  | 'bad_request'
  | 'too_large'
  // we refuse it
  | 'budget_exceeded'
  | 'limited_here'
  | 'refused_here'
  // this target cannot be told; one that speaks the client's dialect can
  | 'cannot_cross'
  // a guard does not let this answer pass, and wants another one
  | 'guard_reroute'
  | 'guard_retry'
  // nobody's fault, or ours
  | 'aborted'
  | 'internal'
