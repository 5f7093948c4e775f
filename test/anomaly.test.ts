/**
 * Law g (HOUSE 9): an attempt fails at every one of its steps in turn. After each: the caller has a complete answer or
 * an error, never half a success; there is one log row a call; no socket, timer or call is left; the next call is
 * answered.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { DialectName } from '../src/dialects/canonical.ts'
import { ANOMALIES, type Anomaly, GOOD, type Seen } from './proofs/anomalies.ts'
import { ASKERS, type Asker } from './proofs/askers.ts'
import { closedPort, SAID, startUpstream } from './proofs/upstream.ts'
import { type Answer, send } from './support/client.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'
import { until } from './support/until.ts'

/** Long enough for a machine that is busy with other tests; what is silent costs one of it. */
const PATIENCE = '800ms'
const TOTAL_MS = 20_000

interface Pair {
  client: Asker
  provider: DialectName
}

interface Case extends Pair {
  route: string
  stream: boolean
  /** Whether another target may answer where this one fails. */
  backed: boolean
}

const ALL = Object.values(ASKERS)
const GROUND: readonly DialectName[] = ['openai-chat', 'anthropic-messages']
const { array, gemini } = ASKERS
/** Every dialect as a client's and as a provider's, at home and crossed; all combinations are for `npm run faults`. */
const OTHERS: readonly Pair[] = [
  { client: ASKERS['openai-responses'], provider: 'openai-responses' },
  { client: gemini, provider: 'gemini' },
  { client: array, provider: 'gemini' },
  { client: ASKERS['openai-chat'], provider: 'bedrock-converse' },
  { client: ASKERS['openai-responses'], provider: 'bedrock-converse' },
  { client: gemini, provider: 'openai-responses' },
  { client: ASKERS['anthropic-messages'], provider: 'gemini' }
]

const CASES: readonly Case[] = [
  ...ALL.filter(({ dialect }) => GROUND.includes(dialect)).flatMap(client =>
    GROUND.flatMap(provider =>
      [true, false].flatMap(stream => [true, false].map(backed => ({ client, provider, stream, backed })))
    )
  ),
  ...OTHERS.flatMap(pair => [true, false].map(stream => ({ ...pair, stream, backed: false })))
].map((one, at) => ({ ...one, route: `case${at}` }))

/** What a long body meets is met before anybody knows of dialects; more of them at once would only be slow. */
function casesFor({ textBytes }: Anomaly): readonly Case[] {
  return textBytes === undefined ? CASES : CASES.filter(({ client }) => GROUND.includes(client.dialect))
}

const DIALECTS = [...new Set(CASES.map(({ provider }) => provider))]

/** Every case has a failing provider of its own: what is learnt of it stays there. */
async function startGateway(t: TestContext, failingPort: number, goodPort: number): Promise<TestGateway> {
  const at = (port: number, dialect: DialectName) =>
    `{ base_url: "http://127.0.0.1:${port}/v1", dialect: ${dialect}, keys: [a-key], allow_private: ["127.0.0.0/8"] }`
  const failing = CASES.map(({ route, provider }) => `  at-${route}: ${at(failingPort, provider)}`)
  const routes = CASES.map(({ route, provider, backed }) => {
    // A bare target is tried twice; here one attempt is looked at.
    const once = `{ retry: at-${route}/any, times: 1, on: [content_filter] }`
    return `  ${route}: { fallback: [${once}${backed ? `, good-${provider}/any` : ''}] }`
  })
  const limits = ['connect', 'head', 'first_token', 'idle', 'attempt'].map(name => `${name}: ${PATIENCE}`)
  const gateway = await startTestGateway({
    bare: true,
    providers: [...DIALECTS.map(dialect => `  good-${dialect}: ${at(goodPort, dialect)}`), ...failing].join('\n'),
    yaml: `timeouts: { ${limits.join(', ')}, total: ${TOTAL_MS}ms }\nroutes:\n${routes.join('\n')}`
  })
  t.after(() => gateway.close())
  return gateway
}

function ask(url: string, client: Asker, asked: { model: string; text: string; stream: boolean }): Promise<Answer> {
  const { path, body } = client.request(asked.model, asked.text, asked.stream)
  return send(url + path, { body })
}

/** What the caller saw: all of the answer, or an error that says so. Anything between fails. */
async function seen(url: string, { client, stream, route }: Case, text: string): Promise<'complete' | 'error'> {
  const answer = await ask(url, client, { model: route, text, stream })
  if (answer.status !== 200) {
    assert.ok(answer.status >= 400, `status ${answer.status}`)
    assert.ok(client.error(answer.json()).length > 0)
    return 'error'
  }
  if (!stream) {
    assert.equal(client.said(answer.json()), SAID)
    return 'complete'
  }
  const events = client.events(answer)
  if (client.broken(events)) {
    assert.ok(!client.ended(events), 'no end marker after a failure')
    return 'error'
  }
  assert.equal(client.streamed(events), SAID, 'half an answer as a success')
  assert.ok(client.ended(events), 'the end marker')
  return 'complete'
}

function expected({ whole, stream, late }: Anomaly, one: Case): Seen {
  const alone = one.stream ? stream : whole
  return alone === 'error' && one.backed && !(one.stream && late) ? 'complete' : alone
}

/** Timers that would keep the process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

function isQuiet({ gateway }: TestGateway): boolean {
  const { calls, upstreamSockets } = gateway.open
  return calls === 0 && upstreamSockets === 0
}

async function rehearse(t: TestContext, anomaly: Anomaly): Promise<void> {
  const good = await startUpstream(GOOD)
  t.after(() => good.close())
  const failing = anomaly.refused ? undefined : await startUpstream(anomaly.play)
  t.after(() => failing?.close())
  const gateway = await startGateway(t, failing?.port ?? (await closedPort()), good.port)
  const { url } = gateway.gateway
  const timersBefore = timers()
  const text = 'x'.repeat(anomaly.textBytes ?? 10)
  const cases = casesFor(anomaly)
  const startedMs = performance.now()
  await Promise.all(
    cases.map(async one => {
      const wanted = expected(anomaly, one)
      const what = `${one.client.name} to ${one.provider}, ${one.stream ? 'stream' : 'whole'}${one.backed ? ', backed' : ''}`
      const got = await seen(url, one, text).catch(thrown => assert.fail(`${what}: ${thrown}`))
      if (wanted !== 'either') assert.equal(got, wanted, what)
    })
  )
  assert.ok(performance.now() - startedMs < TOTAL_MS / 2, 'no call takes all the time that it has')
  await until(() => isQuiet(gateway), `no call and no socket is left: ${JSON.stringify(gateway.gateway.open)}`)
  await until(() => timers() <= timersBefore, `${timersBefore} timers as before, not ${timers()}`)
  const rows = gateway.lines.filter(({ msg }) => msg === 'call').map(({ modelAsked }) => String(modelAsked))
  assert.deepEqual(rows.toSorted(), cases.map(({ route }) => route).toSorted(), 'one log row a call')
  for (const client of ALL) {
    const answer = await ask(url, client, { model: `good-${client.dialect}/any`, text: 'still there?', stream: false })
    assert.equal(client.said(answer.json()), SAID)
  }
}

describe('an attempt that fails leaves nothing behind', () => {
  for (const anomaly of ANOMALIES) test(anomaly.name, t => rehearse(t, anomaly))
})
