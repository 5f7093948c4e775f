/** Keys, limits and budgets hold at every door, whole and streamed: each check at each of them, by itself. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DOORS } from '../../../src/access/inputs.ts'
import { endpoints } from '../../../src/endpoints/index.ts'
import { CODES, type Code } from '../../../src/errors.ts'
import { type Answer, type OpenAnswer, open } from '../../support/client.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { enter, nameOf, nanoIn, startLab, WAYS, type Way } from './support.ts'

interface Check {
  /** What is wrong. */
  name: string
  /** With which key it shows; undefined: none is sent. */
  key(way: Way): string | undefined
  code: Code
  /** The doors at which it means something. */
  at(way: Way): boolean
  /** What else the answer says. */
  says?: { retryAfter?: true; doNotRetry?: true }
}

const everywhere = () => true
const isCall = ({ endpoint }: Way) => endpoint !== 'models' && endpoint !== 'feedback'
/** The guards answer themselves. */
const asksProvider = (way: Way) => isCall(way) && way.endpoint !== 'guard'
const asks = ({ asks }: Way) => asks
const generates = ({ generates }: Way) => generates
const limited = { retryAfter: true } as const
const spent = { doNotRetry: true } as const

const CHECKS: readonly Check[] = [
  { name: 'no key', key: () => undefined, code: 'missing_key', at: everywhere },
  { name: 'an unknown key', key: () => 'nobody-knows-it', code: 'invalid_key', at: everywhere },
  { name: 'a disabled key', key: () => 'key-disabled', code: 'key_disabled', at: everywhere },
  { name: 'an expired key', key: () => 'key-expired', code: 'key_expired', at: everywhere },
  { name: 'a key from another address', key: () => 'key-elsewhere', code: 'address_refused', at: everywhere },
  { name: 'a door that is not allowed', key: ({ door }) => `key-not-${door}`, code: 'not_allowed', at: everywhere },
  { name: 'a model that is not allowed', key: () => 'key-other-models', code: 'not_allowed', at: asks },
  { name: 'a provider that is not allowed', key: () => 'key-other-providers', code: 'not_allowed', at: asksProvider },
  { name: 'the limit on requests', key: () => 'key-requests', code: 'rate_limited_here', at: isCall, says: limited },
  { name: 'the limit on tokens', key: () => 'key-tokens', code: 'rate_limited_here', at: generates, says: limited },
  { name: 'calls in flight', key: () => 'key-calls', code: 'rate_limited_here', at: isCall, says: limited },
  { name: 'a budget in dollars', key: () => 'key-dollars', code: 'budget_exceeded', at: generates, says: spent },
  { name: 'a budget in tokens', key: () => 'key-token-budget', code: 'budget_exceeded', at: generates, says: spent },
  { name: 'a budget in requests', key: () => 'key-request-budget', code: 'budget_exceeded', at: isCall, says: spent }
]

const keyLine = (name: string, more = '') => `  - { name: ${name}, key: key-${name}, team: crew${more} }`

const YAML = `
keys:
${keyLine('good')}
${keyLine('disabled', ', disabled: true')}
${keyLine('expired', ', expires: 2020-01-01')}
${keyLine('elsewhere', ', addresses: [192.0.2.0/24]')}
${keyLine('other-models', ', models: ["dear/*"]')}
${keyLine('other-providers', ', providers: [dear]')}
${DOORS.map(door => keyLine(`not-${door}`, `, doors: [${DOORS.filter(other => other !== door)}]`)).join('\n')}
${['requests', 'tokens', 'calls', 'dollars', 'token-budget', 'request-budget'].map(name => keyLine(name)).join('\n')}
rate_limits:
  - { scope: { team: crew }, requests: 1000/day }
  - { scope: { key: requests }, requests: 1/day }
  - { scope: { key: tokens }, tokens: 1/day }
  - { scope: { key: calls }, calls: 1 }
budgets:
  - { scope: { team: crew }, limit: { usd: 100 }, window: month }
  - { scope: { key: dollars }, limit: { usd: "0.000001" }, window: month }
  - { scope: { key: token-budget }, limit: { tokens: 1 }, window: month }
  - { scope: { key: request-budget }, limit: { requests: 1 }, window: month }
`

let at: TestGateway
let inFlight: OpenAnswer
/** Id of an answer that is kept for the team. */
let stored: string
let before1: Answer

const [CHAT] = WAYS

before(async () => {
  at = await startLab(YAML)
  // Uses up what is for one call.
  for (const key of ['key-requests', 'key-tokens', 'key-request-budget']) {
    assert.equal((await enter(at, CHAT!, { key })).status, 200)
  }
  inFlight = await open(`${at.gateway.url}/v1/chat/completions`, {
    headers: { authorization: 'Bearer key-calls' },
    body: {
      model: 'lab/assistant',
      stream: true,
      max_tokens: 50,
      messages: [{ role: 'user', content: '[[sim:words=1000 pace=1000]]' }]
    }
  })
  assert.equal(inFlight.status, 200)
  stored = await keep()
  before1 = await enter(at, CHAT!, { key: 'key-good' })
  assert.equal(before1.status, 200)
  at.seen()
})

after(async () => {
  inFlight?.leave()
  await at?.close()
})

async function keep(): Promise<string> {
  const answer = await enter(
    at,
    {
      ...CHAT!,
      ask: model => ({
        method: 'POST',
        path: '/v1/responses',
        body: { model, input: 'keep this', max_output_tokens: 50, store: true, background: true }
      })
    },
    { key: 'key-good' }
  )
  assert.equal(answer.status, 200, answer.text)
  return String(answer.json().id)
}

test('every door is in the matrix', () => {
  assert.deepEqual([...new Set(WAYS.map(({ endpoint }) => endpoint))].sort(), Object.keys(endpoints).sort())
  assert.deepEqual([...new Set(WAYS.map(({ door }) => door))].sort(), [...DOORS].sort())
})

describe('door × check', () => {
  for (const check of CHECKS) {
    for (const way of WAYS.filter(check.at)) {
      test(`${check.name}: ${nameOf(way)}`, async () => {
        const answer = await enter(at, way, { key: check.key(way), stored })
        assert.equal(answer.status, CODES[check.code].status, answer.text)
        assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
        assert.equal(way.code(answer.json()), check.code, answer.text)
        assert.match(answer.headers['x-gatehouse-request-id'] ?? '', /./)
        if (check.says?.retryAfter) assert.ok(Number(answer.headers['retry-after']) > 0, 'says when to come back')
        assert.equal(answer.headers['x-should-retry'], check.says?.doNotRetry && 'false')
        assert.deepEqual(at.seen(), [], 'nothing has reached the provider')
      })
    }
  }

  test('nothing was taken from any other bucket by all that', async () => {
    const answer = await enter(at, CHAT!, { key: 'key-good' })
    assert.equal(answer.status, 200)
    const left = (of: Answer) => nanoIn(of.headers['x-gatehouse-budget-remaining-usd'])
    assert.equal(left(answer), left(before1) - nanoIn(before1.headers['x-gatehouse-cost-usd']))
    const requests = (of: Answer) => Number(of.headers['x-ratelimit-remaining-requests'])
    assert.equal(requests(answer), requests(before1) - 1)
  })

  test('a good key is let in everywhere', async () => {
    for (const way of WAYS.toSorted((one, other) => Number(!one.asks) - Number(!other.asks))) {
      const answer = await enter(at, way, { key: 'key-good', stored })
      // Only what runs in the background can be cancelled: the provider itself says so.
      if (way.endpoint === 'response-cancel') assert.notEqual(way.code(answer.json()), 'not_allowed')
      // This gateway keeps nothing, opinions neither.
      else if (way.endpoint === 'feedback') assert.equal(way.code(answer.json()), 'store_unavailable')
      else assert.equal(answer.status, 200, `${nameOf(way)}: ${answer.text}`)
    }
  })
})
