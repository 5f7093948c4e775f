import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { loadConfig } from '../../src/config/index.ts'
import { load, problemsOf, reader } from './load.ts'

describe('a configuration', () => {
  it('takes calls with keys that are in no file: they are made while it runs', () => {
    const { config, warnings } = load('auth: keys\n')
    assert.equal(config.auth, 'keys')
    assert.deepEqual(
      warnings.map(({ path, message }) => `${path}: ${message}`),
      ['auth: keys: no key is declared here; calls need one that `gatehouse keys create` makes, or GATEHOUSE_KEY']
    )
  })

  it('is complete without any file', () => {
    const { config, sources, warnings } = loadConfig({ path: undefined, env: {}, readFile: reader() })
    assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 })
    assert.equal(config.auth, 'open')
    assert.deepEqual(config.stores, {
      data: './data',
      databaseUrl: undefined,
      redisUrl: undefined,
      durable: 'kernel'
    })
    assert.deepEqual(config.limits, { bodyBytesMax: 40e6, inFlightBytesMax: 512e6, headerBytesMax: 16e3, depthMax: 64 })
    assert.deepEqual(config.drain, { graceMs: 5_000, timeoutMs: 300_000 })
    assert.deepEqual(config.overload, { loopLagMs: 200, memoryShare: 0.85 })
    assert.deepEqual(config.timeouts, {
      connectMs: 5_000,
      headMs: 30_000,
      firstTokenMs: 60_000,
      firstTokenReasoningMs: 300_000,
      idleMs: 60_000,
      idleContentMs: 300_000,
      attemptMs: 300_000,
      totalMs: 600_000
    })
    assert.equal(config.sim, undefined)
    assert.equal(sources.file, undefined)
    assert.deepEqual(warnings, [])
  })

  it('takes an empty file and empty sections as absent ones', () => {
    const { digest } = loadConfig({ path: undefined, env: {}, readFile: reader() })
    for (const text of ['', '\n# nothing\n', '---\n', 'routes:\nkeys:\nlimits:\n', '{}', '\uFEFF{}']) {
      assert.equal(loadConfig({ path: 'a.yaml', env: {}, readFile: () => text }).digest, digest, JSON.stringify(text))
    }
  })

  it('has routes in every form, with units read', () => {
    const text = [
      'routes:',
      '  plain: openai/gpt-5.5',
      '  alias: plain',
      '  bare: claude-opus-4-7',
      '  smart:',
      '    to: { fallback: [alias, { use: anthropic/claude-opus-4-7, params: { set: { a: null }, drop: [top_k] }, timeouts: { first_token: 2s }, upstream_stream: true }], on: [stalled] }',
      '    stream_recovery: continue',
      '    reply_mode: whole',
      '    timeouts: { total: 1m }',
      '  both: { split: [{ weight: 1, to: { retry: plain, times: 2 } }, { weight: 0.5, to: smart }], sticky_by: metadata.user_id }'
    ].join('\n')
    const { routes } = load(text).config
    assert.deepEqual(routes.plain, { to: 'openai/gpt-5.5', timeouts: {}, streams: {} })
    assert.deepEqual(routes.smart, {
      to: {
        fallback: [
          'alias',
          {
            use: 'anthropic/claude-opus-4-7',
            params: { set: { a: null }, drop: ['top_k'] },
            timeouts: { firstTokenMs: 2_000 },
            upstream_stream: true
          }
        ],
        on: ['stalled']
      },
      timeouts: { totalMs: 60_000 },
      streams: { recovery: 'continue', replyMode: 'whole' }
    })
    assert.equal((routes.both!.to as { split: unknown[] }).split.length, 2)
    for (const name of ['toString', 'constructor']) assert.equal(routes[name], undefined)
  })

  it('warns of a target whose provider has no key, and not once it has one', () => {
    const text = 'routes: { smart: { fallback: [openai/gpt-5.5, sim/echo] } }'
    const said = load(text).warnings.map(({ path, message }) => `${path}: ${message}`)
    assert.deepEqual(said, [
      'routes.smart.fallback[0]: the provider openai cannot be asked: set OPENAI_API_KEY',
      'routes.smart.fallback[1]: the provider sim cannot be asked: it is off; turn it on with `sim: true`'
    ])
    assert.deepEqual(load(`${text}\nsim: true`, { env: { OPENAI_API_KEY: 'sk-1' } }).warnings, [])
  })

  it('is frozen to the bottom', () => {
    const { config } = load('keys: [{ name: a, key: one }]\nroutes: { a: { fallback: [openai/x] } }')
    const thaw: string[] = []
    const visit = (value: unknown, path: string) => {
      if (typeof value !== 'object' || value === null) return
      if (!Object.isFrozen(value)) thaw.push(path)
      for (const [name, member] of Object.entries(value)) visit(member, `${path}.${name}`)
    }
    visit(config, 'config')
    assert.deepEqual(thaw, [])
  })
})

describe('references', () => {
  it('are replaced in values, as what the setting wants, and never in names', () => {
    const text = [
      'listen: "${HOST:-127.0.0.1}:${PORT}"',
      'limits: { depth: "${DEPTH}", body: "${BODY:-1MB}" }',
      'strict: ${STRICT}',
      'log: { level: "${LEVEL:-warn}" }',
      'stores: { data: "$${HOME}/${file:/run/name}" }',
      'keys: [{ name: a, key: "${DIGITS}" }]',
      'routes: { "${NAME}": { split: [{ weight: "${WEIGHT}", to: openai/x }] } }'
    ].join('\n')
    const env = {
      PORT: '9000',
      DEPTH: '7',
      STRICT: 'true',
      LEVEL: '',
      DIGITS: '12345678',
      WEIGHT: '2.5',
      NAME: 'never'
    }
    const { config, sources } = load(text, { env, readFile: reader({ '/run/name': 'x y\n' }) })
    assert.deepEqual(config.listen, { host: '127.0.0.1', port: 9000 })
    assert.equal(config.limits.depthMax, 7)
    assert.equal(config.limits.bodyBytesMax, 1e6)
    assert.equal(config.strict, true)
    assert.equal(config.log.level, 'warn')
    assert.equal(config.stores.data, '${HOME}/x y')
    assert.equal(config.keys[0]!.key.reveal(), '12345678')
    assert.deepEqual(config.routes['${NAME}']!.to, { split: [{ weight: 2.5, to: 'openai/x' }] })
    assert.deepEqual([...sources.files], ['/run/name'])
    assert.equal(sources.values.get('keys[0].key'), '${DIGITS}')
    assert.equal(sources.values.get('listen'), '${HOST} ${PORT}')
  })

  it('are not looked for in what they were replaced by', () => {
    const { config } = load('stores: { data: "${A}" }', { env: { A: '${B}', B: 'no' } })
    assert.equal(config.stores.data, '${B}')
  })

  it('are replaced after parsing: a value can be any text and change nothing beside it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), value => {
        const { config } = load('stores: { data: "${DATA}" }\nstrict: false', { env: { DATA: value } })
        assert.equal(config.stores.data, value)
        assert.equal(config.strict, false)
      })
    )
  })
})

describe('secrets', () => {
  const CANARY = 'canary-5f3a9c17e2'
  /** Everything but the last four letters, which people may see. */
  const hidden = CANARY.slice(0, -4)

  it('are in no text made of a configuration', () => {
    const text = [
      'providers:',
      '  lab: { base_url: "https://lab.example/v1", keys: ["${LAB}", { key: "${file:/run/lab}", weight: 2 }] }',
      'keys: [{ name: a, key: "${MINE}" }]'
    ].join('\n')
    const env = {
      LAB: `${CANARY}-lab1`,
      MINE: `${CANARY}-mine`,
      GATEHOUSE_KEY: `${CANARY}-gate`,
      OPENAI_API_KEY: `${CANARY}-oai1`
    }
    const loaded = load(text, { env, readFile: reader({ '/run/lab': `${CANARY}-lab2\n` }) })
    assert.equal(loaded.config.keys[0]!.key.reveal(), env.MINE)
    const texts = [
      JSON.stringify(loaded),
      inspect(loaded, { depth: 20, showHidden: true }),
      inspect(loaded, { depth: 20, customInspect: false }),
      `${loaded.config.keys[0]!.key}`
    ]
    for (const printed of texts) assert.ok(!printed.includes(hidden), printed)
  })

  it('are in no problem, wherever the reference stands', () => {
    const places = [
      'listen: ${X}',
      'auth: ${X}',
      'strict: ${X}',
      'limits: ${X}',
      'limits: { depth: "${X}", body: "${X}" }',
      'timeouts: { total: "${X}" }',
      'log: { level: "${X}", format: ["${X}"] }',
      'keys: ["${X}", { name: "${X}", key: { a: "${X}" } }]',
      'routes: { a: "${X}", b: { use: "${X}/model" }, c: { fallback: ["lab-${X}/m", 3] }, d: { to: "${X}", x: "${X}" } }',
      'routes: { a: { retry: openai/x, times: "${X}", on: ["${X}"] }, b: { split: [{ weight: "${X}", to: openai/x }] } }',
      'providers: { a: "${X}", b: { base_url: "${X}" }, c: { base_url: "http://${X}/" }, d: { like: "${X}" } }',
      'providers: { a: { like: openai, keys: "${X}", auth: "${X}", dialect: "${X}", models: [{ name: "${X}", context: "${X}" }] } }',
      'providers: { a: { like: openai, headers: { b: ["${X}"] }, allow_private: ["${X}"], endpoints: "${X}" } }',
      'allowed_origins: ["${X}"]',
      'sim: ${X}',
      'stores: { data: { a: "${X}" } }',
      'limits: { a: ${X} }'
    ]
    for (const text of places) {
      const said = problemsOf(text, { env: { X: CANARY } })
      assert.ok(said.length > 0, `no problem: ${text}`)
      assert.ok(!said.join('\n').includes(CANARY), said.join('\n'))
    }
  })

  it('written into the file itself are in no problem of its syntax', () => {
    const slips = [
      `keys: "${CANARY}`,
      `keys: [${CANARY}\nb: 1`,
      `${CANARY}: - ${CANARY}`,
      `a: |${CANARY}\n b`,
      `a: !${CANARY} b`,
      `%${CANARY}\n---\na: 1`,
      `a: *${CANARY}`,
      `a: "\\${CANARY}"`,
      `a: @${CANARY}`,
      `\t${CANARY}`,
      `a: b\n ${CANARY}`,
      `- a\n${CANARY}`
    ]
    for (const text of slips) {
      const said = problemsOf(text).join('\n')
      assert.ok(said !== '' && !said.includes(CANARY), `${text}\n→ ${said}`)
    }
  })
})

describe('flags and variables', () => {
  it('win over the file', () => {
    const { config } = load('listen: 127.0.0.1:1\nstores: { data: a }', {
      overrides: { host: '::1', port: 0, data: 'b' }
    })
    assert.deepEqual(config.listen, { host: '::1', port: 0 })
    assert.equal(config.stores.data, 'b')
  })

  it('GATEHOUSE_KEY is a key, and asks for it', () => {
    const { config } = load('auth: open\nlisten: 0.0.0.0:80', { env: { GATEHOUSE_KEY: 'one' } })
    assert.equal(config.auth, 'keys')
    assert.deepEqual(
      config.keys.map(({ name, key }) => [name, key.reveal()]),
      [['GATEHOUSE_KEY', 'one']]
    )
    const declared = load('keys: [{ name: me, key: "${GATEHOUSE_KEY}" }]', { env: { GATEHOUSE_KEY: 'one' } })
    assert.deepEqual(
      declared.config.keys.map(({ name }) => name),
      ['me']
    )
  })

  it('declared keys are asked for', () => assert.equal(load('keys: [{ name: a, key: one }]').config.auth, 'keys'))

  it('without a key, only a loopback address will do', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '::ffff:127.0.0.1']) {
      assert.deepEqual(problemsOf('', { overrides: { host } }), [], host)
    }
    for (const host of [
      '0.0.0.0',
      '::',
      '192.168.0.2',
      'example.com',
      '127.0.0.1.example.com',
      'localhost.example.com'
    ]) {
      assert.match(problemsOf('', { overrides: { host } }).join(), /listen: refuses to start/, host)
      assert.deepEqual(problemsOf('', { overrides: { host }, env: { GATEHOUSE_KEY: 'k' } }), [], host)
    }
  })
})

describe('the digest', () => {
  it('is the same for the same meaning, whatever the order and the units', () => {
    const a = load('strict: true\nlimits: { body: 1MB, depth: 3 }\nroutes: { a: openai/x, b: a }')
    const b = load('routes: { b: a, a: { to: openai/x } }\nlimits:\n  depth: 3\n  body: 1000KB\nstrict: ${S}', {
      env: { S: 'true' }
    })
    assert.equal(a.digest, b.digest)
    assert.match(a.digest, /^[0-9a-f]{64}$/)
  })

  it('changes with every setting, and not with a secret', () => {
    const texts = [
      '',
      'strict: true',
      'limits: { depth: 3 }',
      'routes: { a: openai/x }',
      'routes: { a: openai/y }',
      'sim: true',
      'sim: false'
    ]
    const digests = texts.map(text => load(text).digest)
    assert.equal(new Set(digests).size, texts.length)
    const withKey = (key: string) => load('keys: [{ name: a, key: "${K}" }]', { env: { K: key } }).digest
    assert.equal(withKey('one'), withKey('two'))
  })
})
