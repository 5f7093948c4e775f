import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemsOf, reader } from './load.ts'

/** Bad files, and everything that is said about each. */
const CASES: readonly { name: string; file: string; says: string[]; env?: Record<string, string> }[] = [
  {
    name: 'an unknown key, with the nearest known one',
    file: 'listen: 127.0.0.1:1\nlimts: { body: 1MB }\n',
    says: ['my.yaml:2:1 limts: unknown key; did you mean "limits"?']
  },
  {
    name: 'an unknown key with nothing near, with those known there',
    file: 'limits:\n  speed: 3\n',
    says: ['my.yaml:2:3 limits.speed: unknown key; known here: body, depth, header, in_flight']
  },
  {
    name: 'sections that come with later versions are not taken in silence',
    file: 'shadow: {}\nroutes: { smart: { to: openai/gpt-5.5, evaluate: { by: judge } } }\n',
    says: [
      'my.yaml:1:1 shadow: unknown key; known here: $schema, alerts, allowed_origins, auth, bodies, budget_status, budgets, cache, drain, guards, keep_records, keys, limits, listen, log, media, overload, prices, providers, rate_limits, require, routes, sim, stores, strict, teams, telemetry, timeouts, unknown_price, webhooks',
      'my.yaml:2:40 routes.smart.evaluate: unknown key; known here: after, best, cache, else, fallback, guards, hedge, of, on, params, prompt_cache, reply_mode, require, retry, split, sticky, sticky_by, stream_recovery, timeouts, times, to, upstream_stream, use, when, with'
    ]
  },
  {
    name: 'a cache by times and modes that there are not',
    file: 'cache: { ttl: 1ms }\nroutes: { a: { to: openai/gpt-5.5, cache: often } }\n',
    says: [
      'my.yaml:1:15 cache.ttl: from 1s to 30d',
      'my.yaml:2:43 routes.a.cache: expected one of "off", "exact", "semantic"'
    ]
  },
  {
    name: 'a semantic cache without a model',
    file: 'cache: { mode: semantic }\nroutes: { a: { to: openai/gpt-5.5, cache: { mode: semantic } } }\n',
    says: [
      'my.yaml:1:16 cache.mode: semantic: which model makes vectors of questions? Say it under `cache.semantic.embeddings`',
      'my.yaml:2:51 routes.a.cache.mode: semantic: which model makes vectors of questions? Say it under `cache.semantic.embeddings`'
    ]
  },
  {
    name: 'a key that is there twice',
    file: 'strict: true\nlimits:\n  depth: 3\n  depth: 4\nstrict: false\n',
    says: ['my.yaml:4:3 limits.depth: is there twice', 'my.yaml:5:1 strict: is there twice']
  },
  {
    name: 'numbers without a unit',
    file: 'limits: { body: 40 }\ntimeouts: { total: 600, idle: "60" }\n',
    says: [
      'my.yaml:1:17 limits.body: a size needs a unit: write 40MB or 40MiB',
      'my.yaml:2:20 timeouts.total: a duration needs a unit: write 600s or 600ms',
      'my.yaml:2:31 timeouts.idle: a duration needs a unit: 250ms, 20s, 5m or 1h'
    ]
  },
  {
    name: 'wrong types and choices',
    file: 'strict: yes\nlog: { level: wran }\nlimits: { depth: 1.5 }\nkeys: { a: b }\nlisten: 8080\nstores: []\n',
    says: [
      'my.yaml:1:9 strict: expected true or false, got a text',
      'my.yaml:2:15 log.level: expected one of "trace", "debug", "info", "warn", "error", "fatal", "silent"; did you mean "warn"?',
      'my.yaml:3:18 limits.depth: expected a whole number, got a number',
      'my.yaml:4:7 keys: expected a list, got a map of names to values',
      'my.yaml:5:9 listen: expected an address and a port: 127.0.0.1:8080',
      'my.yaml:6:9 stores: expected a map of names to values, got a list'
    ]
  },
  {
    name: 'what is missing, at its parent',
    file: 'keys:\n  - name: a\nroutes:\n  again: { retry: openai/gpt-5.5 }\n',
    says: [
      'my.yaml:2:5 keys[0].key: missing; expected a text',
      'my.yaml:4:10 routes.again.times: missing; expected a number'
    ]
  },
  {
    name: 'a route: the fault of the form that was meant, not of all forms',
    file: [
      'routes:',
      '  a: { fallbak: [openai/gpt-5.5] }',
      '  b: { fallback: [openai/gpt-5.5], sticky_by: user }',
      '  c: { fallback: [] }',
      '  d: { split: [] }',
      '  e: { split: [{ weight: 0, to: openai/gpt-5.5 }] }',
      '  f: { fallback: [openai/gpt-5.5, { use: openai/gpt-5.5, parms: {} }] }',
      '  g: { fallback: [openai/gpt-5.5], on: [rate_limit] }',
      '  h: 7',
      '  i: { to: { use: openai/gpt-5.5 }, timeout: { total: 1s } }'
    ].join('\n'),
    says: [
      'my.yaml:2:8 routes.a.fallbak: unknown key; did you mean "fallback"?',
      'my.yaml:3:36 routes.b.sticky_by: does not go together with the other keys here',
      'my.yaml:4:18 routes.c.fallback: an empty fallback leads nowhere',
      'my.yaml:5:15 routes.d.split: an empty split leads nowhere',
      'my.yaml:6:15 routes.e.split: every weight is 0',
      'my.yaml:7:58 routes.f.fallback[1].parms: unknown key; did you mean "params"?',
      'my.yaml:8:41 routes.g.on[0]: expected one of "connect", "reset", "server_error", "overloaded", "rate_limited", "silent", "slow_first_token", "stalled", "truncated", "malformed", "our_credential", "spend_limit", "no_such_model", "too_long", "content_filter", "bad_request", "too_large", "budget_exceeded", "limited_here", "cannot_cross", "guard_reroute", "guard_retry"; did you mean "rate_limited"?',
      'my.yaml:9:6 routes.h: expected a route: "provider/model", the name of a route, or one of { use }, { fallback }, { retry, times }, { split }, { when, else }, { best, of }, { hedge, with, after }; or { to, timeouts, stream_recovery, reply_mode, guards, require, cache, prompt_cache, sticky }',
      'my.yaml:10:37 routes.i.timeout: unknown key; did you mean "timeouts"?'
    ]
  },
  {
    name: 'names in routes that lead nowhere',
    file: [
      'routes:',
      '  smart: { to: { fallback: [opnai/gpt-5.5, smrt, openai/] } }',
      '  fast: { retry: { use: nobody/x }, times: 1 }',
      '  anthropic/mine: openai/gpt-5.5',
      '  Smart: openai/gpt-5.5',
      '  "two words": openai/gpt-5.5'
    ].join('\n'),
    says: [
      'my.yaml:2:29 routes.smart.to.fallback[0]: no provider has the name "opnai"; did you mean "openai"?',
      'my.yaml:2:44 routes.smart.to.fallback[1]: no route has the name "smrt", and no provider is known for such a model: write provider/model; did you mean "Smart" or "smart"?',
      'my.yaml:2:50 routes.smart.to.fallback[2]: names a provider and no model',
      'my.yaml:3:25 routes.fast.retry.use: no provider has the name "nobody"',
      'my.yaml:4:3 routes["anthropic/mine"]: the name of a route has no "/": provider/model is how a target is written',
      'my.yaml:5:3 routes.Smart: shadows "smart": the two differ in case only',
      'my.yaml:6:3 routes["two words"]: the name of a route has no spaces and is not empty'
    ]
  },
  {
    name: 'routes that lead in a circle',
    file: 'routes:\n  a: b\n  b: { fallback: [openai/gpt-5.5, { use: c }] }\n  c: { to: a }\n  d: a\n  gpt-5.5: gpt-5.5\n',
    says: [
      'my.yaml:2:6 routes.a: leads back to itself: a → b → c → a; name a target as provider/model',
      'my.yaml:3:6 routes.b: leads back to itself: b → c → a → b; name a target as provider/model',
      'my.yaml:4:12 routes.c.to: leads back to itself: c → a → b → c; name a target as provider/model',
      'my.yaml:6:12 routes["gpt-5.5"]: leads back to itself: gpt-5.5 → gpt-5.5; name a target as provider/model'
    ]
  },
  {
    name: 'routes that go too deep or too far',
    file: `routes:\n  deep: ${'{ fallback: ['.repeat(8)}openai/gpt-5.5${'] }'.repeat(8)}\n  far: { retry: { retry: openai/gpt-5.5, times: 6 }, times: 2 }\n`,
    says: [
      'my.yaml:2:9 routes.deep: nests 9 deep with every name followed; at most 8',
      'my.yaml:3:8 routes.far: could make 21 attempts for one call; at most 20'
    ]
  },
  {
    name: 'providers that cannot be made of their entries',
    file: 'providers:\n  lab: { like: opnai }\n  mine: { keys: [7] }\n  far: { base_url: "http://192.0.2.1/v1" }\nroutes: { r: { fallback: [lab/x, mine/x, far/x] } }\n',
    says: [
      'my.yaml:2:16 providers.lab.like: there is no preset "opnai"; did you mean "openai"?',
      'my.yaml:3:18 providers.mine.keys[0]: expected a text; put digits in quotes; or expected a map of names to values, got a number',
      'my.yaml:4:20 providers.far.base_url: must be https: plain http is only for addresses in allow_private, as the key would travel in the open'
    ]
  },
  {
    name: 'an open door to the network',
    file: 'auth: open\nlisten: 0.0.0.0:8080\n',
    says: [
      'my.yaml:2:9 listen: refuses to start: anybody who reaches 0.0.0.0 could call without a key; declare keys, set GATEHOUSE_KEY, or listen on 127.0.0.1'
    ]
  },
  {
    name: 'keys that are not one each',
    file: 'keys:\n  - { name: a, key: one }\n  - { name: a, key: two }\n  - { name: b, key: one }\nauth: open\n',
    says: [
      'my.yaml:3:13 keys[1].name: another key has this name',
      'my.yaml:4:21 keys[2].key: another holder has this key',
      'my.yaml:5:7 auth: open: takes every call, and yet keys are declared; take one of the two out'
    ]
  },
  {
    name: 'references that lead nowhere, without what follows from them',
    file: 'keys:\n  - name: a\n    key: ${NO_KEY}\n  - name: b\n    key: ${file:/run/none}\nlimits:\n  depth: ${DEPTH:-many}\n  body: ${9}\n',
    says: [
      'my.yaml:3:10 keys[0].key: the variable NO_KEY is not set; set it, or give a default: ${NO_KEY:-…}',
      'my.yaml:5:10 keys[1].key: cannot read /run/none (ENOENT)',
      'my.yaml:7:10 limits.depth: expected a number, got a text',
      'my.yaml:8:9 limits.body: not a reference: write ${NAME}, ${NAME:-default}, ${file:/path}, or $${ for a literal ${'
    ]
  },
  {
    name: 'text that is not YAML: the first slip, and a hint',
    file: 'strict: true\nlimits: { depth: ${D} }\n',
    says: ['my.yaml:2:19: not well-formed: unexpected text; inside [ ] and { } a ${…} is put in quotes']
  },
  {
    name: 'a file that is no map, or more than one',
    file: '- a\n',
    says: ['my.yaml:1:1: expected a map of names to values, got a list']
  },
  {
    name: 'two documents',
    file: 'a: 1\n---\nb: 2\n',
    says: ['my.yaml:2:1: one file holds one document: take the line --- out']
  },
  { name: 'tags', file: 'stores: { data: !env HOME }\n', says: ['my.yaml:1:17: tags (!…) are not used here'] },
  {
    name: 'names that would reach into our own objects',
    file: 'routes:\n  __proto__: openai/gpt-5.5\n  constructor: toString\n',
    says: [
      'my.yaml:2:3 routes: a name that cannot be used',
      'my.yaml:3:16 routes.constructor: no route has the name "toString", and no provider is known for such a model: write provider/model'
    ]
  }
]

describe('a bad file', () => {
  for (const { name, file, says, env = {} } of CASES) {
    it(name, () => assert.deepEqual(problemsOf(file, { env }), says))
  }

  it('that cannot be read', () => {
    const says = problemsOf(undefined as never, { path: 'gone.yaml' })
    assert.deepEqual(says, ['gone.yaml: cannot be read (ENOENT)'])
  })

  it('in JSON has the same places', () => {
    const file = '{\n  "limits": {\n    "deph": 3\n  }\n}\n'
    assert.deepEqual(problemsOf(file), ['my.yaml:3:5 limits.deph: unknown key; did you mean "depth"?'])
  })

  it('that unfolds into a vast value, or into itself, is refused and does not take long', () => {
    const bomb = [
      'a0: &a0 [1, 2]',
      ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)
    ].join('\n')
    assert.ok(problemsOf(bomb).some(line => /has too many values|nests deeper/.test(line)))
    assert.ok(problemsOf('routes: &r { a: *r }').some(line => /nests deeper|anchor/.test(line)))
    assert.ok(problemsOf(`routes: ${'['.repeat(20_000)}`).length > 0)
  })

  it('read from a file begins at that file for relative references', () => {
    const readFile = reader({ '/etc/gatehouse/key': 'secret-of-the-file\n' })
    const says = problemsOf('keys:\n  - name: a\n    key: ${file:key}\n', { path: '/etc/gatehouse/my.yaml', readFile })
    assert.deepEqual(says, [])
  })
})
