/**
 * Law g (HOUSE 9): an attempt fails at every one of its steps in turn. After each: the caller has a complete answer or
 * an error, never half a success; there is one log row a call; no socket, timer or call is left; the next call is
 * answered.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { ANOMALIES, type Anomaly, GOOD, type Seen } from './proofs/anomalies.ts'
import { closedPort, SAID, startUpstream } from './proofs/upstream.ts'
import { DOORS, type Door, send } from './support/client.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'
import { until } from './support/until.ts'

/** Long enough for a machine that is busy with other tests; what is silent costs one of it. */
const PATIENCE = '800ms'

interface Case {
  route: string
  client: Door
  provider: Door
  stream: boolean
  /** Whether another target may answer where this one fails. */
  backed: boolean
}

const CASES: readonly Case[] = DOORS.flatMap(client =>
  DOORS.flatMap(provider =>
    [true, false].flatMap(stream => [true, false].map(backed => ({ client, provider, stream, backed })))
  )
).map((one, at) => ({ ...one, route: `case${at}` }))

/** Every case has a failing provider of its own: what is learnt of it stays there. */
async function startGateway(t: TestContext, failingPort: number, goodPort: number): Promise<TestGateway> {
  const at = (port: number, door: Door) =>
    `{ base_url: "http://127.0.0.1:${port}/v1", dialect: ${door.name}, keys: [a-key], allow_private: ["127.0.0.0/8"] }`
  const failing = CASES.map(({ route, provider }) => `  at-${route}: ${at(failingPort, provider)}`)
  const routes = CASES.map(({ route, provider, backed }) => {
    // A bare target is tried twice; here one attempt is looked at.
    const once = `{ retry: at-${route}/any, times: 1, on: [content_filter] }`
    return `  ${route}: { fallback: [${once}${backed ? `, good-${provider.provider}/any` : ''}] }`
  })
  const limits = ['connect', 'head', 'first_token', 'idle', 'attempt'].map(name => `${name}: ${PATIENCE}`)
  const gateway = await startTestGateway({
    bare: true,
    providers: [...DOORS.map(door => `  good-${door.provider}: ${at(goodPort, door)}`), ...failing].join('\n'),
    yaml: `timeouts: { ${limits.join(', ')}, total: 20s }\nroutes:\n${routes.join('\n')}`
  })
  t.after(() => gateway.close())
  return gateway
}

/** What the caller saw: all of the answer, or an error that says so. Anything between fails. */
async function seen(url: string, { client, stream, route }: Case, text: string): Promise<'complete' | 'error'> {
  const answer = await send(`${url}${client.path}`, { body: client.body(route, text, { stream }) })
  if (answer.status !== 200) {
    assert.ok(answer.status >= 400, `status ${answer.status}`)
    assert.ok(client.error(answer.json()).message.length > 0)
    return 'error'
  }
  if (!stream) {
    assert.equal(client.said(answer.json()), SAID)
    return 'complete'
  }
  const events = answer.events()
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
  await Promise.all(
    CASES.map(async one => {
      const wanted = expected(anomaly, one)
      const what = `${one.client.provider} to ${one.provider.provider}, ${one.stream ? 'stream' : 'whole'}${one.backed ? ', backed' : ''}`
      const got = await seen(url, one, text).catch(thrown => assert.fail(`${what}: ${thrown}`))
      if (wanted !== 'either') assert.equal(got, wanted, what)
    })
  )
  await until(() => isQuiet(gateway), `no call and no socket is left: ${JSON.stringify(gateway.gateway.open)}`)
  await until(() => timers() <= timersBefore, `${timersBefore} timers as before, not ${timers()}`)
  const rows = gateway.lines.filter(({ msg }) => msg === 'call').map(({ modelAsked }) => String(modelAsked))
  assert.deepEqual(rows.toSorted(), CASES.map(({ route }) => route).toSorted(), 'one log row a call')
  for (const door of DOORS) {
    const answer = await send(`${url}${door.path}`, { body: door.body(`good-${door.provider}/any`, 'still there?') })
    assert.equal(door.said(answer.json()), SAID)
  }
}

describe('an attempt that fails leaves nothing behind', () => {
  for (const anomaly of ANOMALIES) test(anomaly.name, t => rehearse(t, anomaly))
})
