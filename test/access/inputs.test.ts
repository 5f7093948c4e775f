import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as z from 'zod'
import { readCount } from '../../src/access/fields.ts'
import {
  adminInput,
  adminPatch,
  budgetInput,
  declaredBudgetId,
  declaredKey,
  declaredRateLimitId,
  keyInput,
  keyPatch,
  priceInput,
  rateLimitInput,
  rotateInput,
  teamInput,
  tenantInput,
  tenantPatch,
  toBudgetRow,
  toKeyRow,
  toPriceRow,
  toRateLimitRow,
  toTenantRow
} from '../../src/access/inputs.ts'
import { formatDuration } from '../../src/units.ts'

const MADE = { id: 'id', createdAtMs: 1 }

/** The messages of what is wrong, each with its path; empty where nothing is. */
function faults(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value)
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

test('all are strict, and have a JSON Schema of what people write', () => {
  const schemas = { adminInput, adminPatch, budgetInput, declaredKey, keyInput, keyPatch, priceInput, rateLimitInput }
  for (const [name, schema] of Object.entries({ ...schemas, rotateInput, teamInput, tenantInput, tenantPatch })) {
    assert.ok(
      faults(schema, { nobodyKnows: 1 }).some(fault => fault.includes('nobodyKnows')),
      name
    )
    const { type, additionalProperties } = z.toJSONSchema(schema, { io: 'input' })
    assert.deepEqual([type, additionalProperties], ['object', false], name)
  }
})

describe('keys', () => {
  test('a key of the file, with everything', () => {
    const key = declaredKey.parse({
      name: 'platform bot',
      key: 'gh-secret-of-the-file',
      org: 'acme',
      team: 'core',
      user: 'ann@example.com',
      parent: 'root',
      models: ['gpt-*', 'smart'],
      providers: ['openai'],
      doors: ['chat', 'count-tokens'],
      addresses: ['10.0.0.0/8', '2001:db8::1'],
      tags: ['prod'],
      metadata: { owner: 'x', level: 3, on: true },
      expires: '2027-01-31',
      disabled: true
    })
    assert.ok(!JSON.stringify(toKeyRow(key, MADE)).includes('gh-secret'))
    assert.deepEqual(toKeyRow(key, MADE), {
      ...MADE,
      name: 'platform bot',
      parent: 'root',
      org: 'acme',
      team: 'core',
      user: 'ann@example.com',
      scopes: {
        models: ['gpt-*', 'smart'],
        providers: ['openai'],
        doors: ['chat', 'count-tokens'],
        addresses: ['10.0.0.0/8', '2001:db8::1']
      },
      tags: ['prod'],
      metadata: { owner: 'x', level: 3, on: true },
      disabled: true,
      expiresAtMs: Date.UTC(2027, 0, 31),
      lastUsedAtMs: null
    })
  })

  test('the least there is: an absent list allows everything, an empty one nothing', () => {
    assert.deepEqual(toKeyRow(keyInput.parse({ name: 'k' }), MADE).scopes, {})
    assert.deepEqual(toKeyRow(keyInput.parse({ name: 'k', models: [] }), MADE).scopes, { models: [] })
  })

  test('what is no name, range, moment, door or record is refused where it stands', () => {
    const wrong: [member: string, value: unknown][] = [
      ['name', ''],
      ['name', 'a*'],
      ['name', ' a'],
      ['name', 'a\u001b[31m'],
      ['name', 'a\u202eb'],
      ['name', 'x'.repeat(201)],
      ['models', ['a\n']],
      ['doors', ['chats']],
      ['addresses', ['10.0.0.0/40']],
      ['addresses', ['::ffff:10.0.0.0/104']],
      ['expires', '2027-02-30'],
      ['expires', 'tomorrow'],
      ['expires', '2027-01-31T12:00'],
      ['metadata', { nested: { a: 1 } }]
    ]
    for (const [member, value] of wrong) {
      const [fault = 'none'] = faults(keyInput, { name: 'k', [member]: value })
      assert.ok(fault.startsWith(member), `${member} ${JSON.stringify(value)}: ${fault}`)
    }
  })

  test('a moment with an offset is the moment that it is', () => {
    const { expires } = keyInput.parse({ name: 'k', expires: '2027-01-31T12:30+02:00' })
    assert.equal(expires, Date.UTC(2027, 0, 31, 10, 30))
  })
})

test('tenants: a name of its own or its id; only teams and users are of an organisation', () => {
  const team = tenantInput.parse({ kind: 'team', id: 'core', org: 'acme' })
  assert.deepEqual(toTenantRow(team, 1), {
    kind: 'team',
    id: 'core',
    name: 'core',
    org: 'acme',
    metadata: {},
    disabled: false,
    createdAtMs: 1,
    asSeen: false
  })
  assert.deepEqual(faults(tenantInput, { kind: 'customer', id: 'c', org: 'acme' }), [
    'org: only teams and users have an organisation'
  ])
})

describe('budgets', () => {
  const base = { scope: { team: 'core' }, limit: { usd: '100' }, window: 'month' }

  test('as people write them, as rows have them', () => {
    const full = {
      scope: { customer: '*' },
      limit: { tokens: '1.5M' },
      window: 'day',
      time_zone: 'Europe/Berlin',
      mode: 'soft',
      thresholds: ['80%', '50%', '80%'],
      webhook: 'https://hooks.example.com/x'
    }
    assert.deepEqual(toBudgetRow(budgetInput.parse(full), MADE), {
      ...MADE,
      scope: { kind: 'customer', match: '*' },
      unit: 'tokens',
      limit: 1_500_000,
      window: { every: 'day', timeZone: 'Europe/Berlin' },
      mode: 'soft',
      thresholds: [0.5, 0.8],
      webhook: 'https://hooks.example.com/x'
    })
    assert.deepEqual(toBudgetRow(budgetInput.parse(base), MADE), {
      ...MADE,
      scope: { kind: 'team', match: 'core' },
      unit: 'usd',
      limit: 100_000_000_000,
      window: { every: 'month', timeZone: 'UTC' },
      mode: 'hard',
      thresholds: [0.8, 1],
      webhook: null
    })
    assert.deepEqual(budgetInput.parse({ ...base, window: 'rolling 30d' }).window, { rollingMs: 30 * 86_400_000 })
    assert.equal(budgetInput.parse({ ...base, limit: { usd: 0.5 } }).limit, 500_000_000)
  })

  test('what cannot be meant is refused where it stands', () => {
    const wrong: [more: object, fault: string][] = [
      [{ scope: {} }, 'scope: expected exactly one of org, team'],
      [{ scope: { team: 'a', key: 'b' } }, 'scope: expected exactly one of'],
      [{ scope: { teams: 'a' } }, 'scope: '],
      [{ limit: {} }, 'limit: expected exactly one of usd, tokens, requests'],
      [{ limit: { usd: 1, tokens: 1 } }, 'limit: expected exactly one of'],
      [{ limit: { usd: '-1' } }, 'limit.usd: '],
      [{ limit: { usd: '1.0000000001' } }, 'limit.usd: '],
      [{ limit: { tokens: 0 } }, 'limit.tokens: '],
      [{ limit: { requests: 1.5 } }, 'limit.requests: '],
      [{ window: 'year' }, 'window: expected minute, hour'],
      [{ window: 'rolling 30' }, 'window: '],
      [{ window: 'rolling 1s' }, 'window: '],
      [{ window: 'rolling 400d' }, 'window: '],
      [{ time_zone: 'Mars/Olympus' }, 'time_zone: '],
      [{ window: 'rolling 30d', time_zone: 'UTC' }, 'time_zone: a rolling window has no time zone'],
      [{ thresholds: ['120%'] }, 'thresholds.0: '],
      [{ webhook: 'file:///etc/passwd' }, 'webhook: '],
      [{ webhook: 'https://user:word@example.com' }, 'webhook: ']
    ]
    for (const [more, expected] of wrong) {
      const [fault = 'none'] = faults(budgetInput, { ...base, ...more })
      assert.ok(fault.startsWith(expected), `${JSON.stringify(more)}: ${fault}`)
    }
  })

  test('one of the file keeps its id when its limit changes, and has another for anything else', () => {
    const id = (more: object) => declaredBudgetId(budgetInput.parse({ ...base, ...more }))
    assert.equal(id({}), id({ limit: { usd: 5 }, thresholds: ['10%'] }))
    const others = [{ scope: { key: 'core' } }, { limit: { tokens: 5 } }, { window: 'day' }, { mode: 'soft' }]
    const ids = new Set([{}, { time_zone: 'Asia/Tokyo' }, { window: 'rolling 1d' }, ...others].map(id))
    assert.equal(ids.size, 7)
  })
})

describe('rate limits', () => {
  const scope = { key: '*' }

  test('as people write them, as rows have them', () => {
    const row = (input: object) => toRateLimitRow(rateLimitInput.parse({ scope, ...input }), MADE)
    const base = { ...MADE, scope: { kind: 'key', match: '*' } }
    assert.deepEqual(row({ requests: '60/minute' }), {
      ...base,
      unit: 'requests',
      amount: 60,
      perMs: 60_000,
      burst: 60
    })
    assert.deepEqual(row({ tokens: '100k/hour', burst: '5k' }), {
      ...base,
      unit: 'tokens',
      amount: 100_000,
      perMs: 3_600_000,
      burst: 5_000
    })
    assert.deepEqual(row({ calls: 10 }), { ...base, unit: 'calls', amount: 10, perMs: 0, burst: 10 })
    const id = (input: object) => declaredRateLimitId(rateLimitInput.parse({ scope, ...input }))
    assert.equal(id({ requests: '60/minute' }), id({ requests: '70/minute', burst: 5 }))
    assert.notEqual(id({ requests: '60/minute' }), id({ requests: '60/second' }))
  })

  test('what cannot be meant is refused', () => {
    const wrong = [
      {},
      { requests: '1/minute', calls: 1 },
      { requests: '60' },
      { requests: '60/fortnight' },
      { requests: 60 }
    ]
    const more = [
      { requests: '0/minute' },
      { requests: '5/minute/day' },
      { calls: 0 },
      { requests: '5/minute', burst: 6 }
    ]
    for (const input of [...wrong, ...more, { calls: 5, burst: 2 }, { requests: '5/__proto__' }]) {
      assert.notDeepEqual(faults(rateLimitInput, { scope, ...input }), [], JSON.stringify(input))
    }
  })
})

test('prices: of their own, with a discount, or a markup', () => {
  const row = (input: object) => toPriceRow(priceInput.parse({ provider: 'openai', model: 'gpt-*', ...input }), MADE)
  const tiered = { base: 1, tiers: [{ start: 200_000, price: 2 }] }
  assert.deepEqual(row({ usd: { input_mtok: 2.5, output_mtok: tiered }, from: '2026-12-01' }), {
    ...MADE,
    provider: 'openai',
    model: 'gpt-*',
    usd: { input_mtok: 2.5, output_mtok: tiered },
    factor: 1,
    fromMs: Date.UTC(2026, 11, 1)
  })
  assert.equal(row({ discount: '20%' }).factor, 0.8)
  assert.equal(row({ markup: '10%' }).factor, 1.1)
  const wrong = [{}, { discount: '1%', markup: '1%' }, { usd: { input: 1 } }, { usd: { input_mtok: -1 } }]
  for (const input of [...wrong, { factor: 2 }]) {
    assert.notDeepEqual(faults(priceInput, { provider: 'openai', model: 'm', ...input }), [], JSON.stringify(input))
  }
})

test('counts: what is shortened is what is meant', () => {
  assert.deepEqual(
    ['1', 7, '100k', '1.1M', '2.3M', '0.001k', '1b', 1e21, '1.0001k', 'k', '-1', '', '1e3', '0'].map(readCount),
    [
      1,
      7,
      100_000,
      1_100_000,
      2_300_000,
      1,
      1_000_000_000,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined
    ]
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999 }), amount => {
      assert.equal(readCount(amount), amount)
      assert.equal(readCount(`${amount / 1_000}k`), amount)
    })
  )
})

test('rotation: a day of overlap where nothing is said', () => {
  assert.equal(formatDuration(rotateInput.parse({}).overlap), '1d')
  assert.equal(rotateInput.parse({ overlap: '0s' }).overlap, 0)
})
