import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import type { Vitals } from '../../src/wire/vitals.ts'
import { type Answer, DOORS, type Door, OPENAI, open, send } from '../support/client.ts'
import { readSse } from '../support/dialects.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startedGateway, temporary } from '../support/process.ts'
import { HEAD, piece, scriptedAs, startScripted, streamOf } from '../support/scripted.ts'
import { until } from '../support/until.ts'
import { RawClient } from '../wire/kit.ts'

/** A provider whose stream begins at once and ends when the test says so. */
async function held(t: TestContext, door: Door) {
  const { begin, word, end } = streamOf(door)
  let finish = () => {}
  const provider = await startScripted(socket => {
    socket.write(HEAD('text/event-stream') + piece(begin + word('Once ')))
    finish = () => socket.write(`${piece(word('over') + end)}0\r\n\r\n`)
  })
  const made = await startTestGateway({ providers: scriptedAs('held', door.provider, provider.port) })
  t.after(async () => {
    await made.gateway.drain(0)
    await made.close()
    await provider.close()
  })
  const url = made.gateway.url + door.path
  const stream = await open(url, { body: door.body('held/m', 'go', { stream: true }) })
  await stream.untilText(/Once /)
  return { ...made, url, stream, finish: () => finish() }
}

/** The stream ended with this error of its dialect, and nothing after it. */
function endsWithDraining(door: Door, text: string): void {
  const events = text.split('\n\n').filter(event => event.includes('data: '))
  const data = JSON.parse(/data: (.*)/.exec(events.at(-1) ?? '')?.[1] ?? '{}') as JsonObject
  assert.equal(door.error(data).code, 'draining', text.slice(-500))
  assert.doesNotMatch(text, /\[DONE\]|message_stop/)
  assert.equal(events.filter(event => event.includes('draining')).length, 1)
}

function isDraining(door: Door, answer: Answer): void {
  assert.equal(answer.status, 503)
  assert.equal(door.error(answer.json()).code, 'draining')
  assert.equal(answer.headers['retry-after'], '1')
  assert.equal(answer.headers.connection, 'close')
}

const messages = (lines: TestGateway['lines'], msg: string) => lines.filter(line => line.msg === msg)

for (const door of DOORS) {
  test(`${door.name}: not ready at once, new calls for a grace, one to a connection; then a hurry ends what is open`, async t => {
    const { gateway, lines, url, stream } = await held(t, door)
    const left = gateway.leave({ graceMs: 60_000, timeoutMs: 90_000 })
    const ready = await send(`${gateway.url}/readyz`)
    assert.equal(ready.status, 503)
    assert.deepEqual(ready.json(), { status: 'draining' })
    assert.equal((await send(`${gateway.url}/livez`)).status, 200)
    for (const more of [{}, { stream: true }]) {
      const answer = await send(url, { body: door.body(`${door.provider}/echo`, 'still here', more), headers: {} })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.connection, 'close')
    }
    const hurriedMs = performance.now()
    void gateway.leave()
    endsWithDraining(door, (await stream.rest()).toString())
    await left
    assert.ok(performance.now() - hurriedMs < 5_000)
    assert.deepEqual(gateway.open, { calls: 0, upstreamSockets: 0 })
    await assert.rejects(send(url), 'nobody listens any more')
    const call = messages(lines, 'call').at(-1)
    assert.deepEqual([call?.outcome, call?.status, call?.code], ['failed', 503, 'draining'])
    assert.deepEqual([messages(lines, 'draining').length, messages(lines, 'drained')[0]?.cut], [1, 1])
  })

  test(`${door.name}: after the grace calls are refused, and the open stream is finished`, async t => {
    const { gateway, lines, url, stream, finish } = await held(t, door)
    let over = false
    const left = gateway.leave({ graceMs: 50, timeoutMs: 60_000 }).then(() => {
      over = true
    })
    const ask = () => send(url, { body: door.body(`${door.provider}/echo`, 'hello') })
    let answer = await ask()
    while (answer.status === 200) answer = await ask()
    isDraining(door, answer)
    for (let nth = 0; nth < 5; nth++) isDraining(door, await ask())
    assert.equal((await send(`${gateway.url}/readyz`)).status, 503)
    assert.equal(over, false, 'it waits for the stream')
    finish()
    const text = (await stream.rest()).toString()
    assert.match(text, /over[\s\S]*(?:\[DONE\]|message_stop)/)
    await left
    assert.equal(messages(lines, 'call').at(-1)?.outcome, 'done')
    const [drained] = messages(lines, 'drained')
    assert.deepEqual([drained?.cut, drained?.turnedAway], [0, 6])
    assert.equal(messages(lines, 'refused').length, 0, 'those are counted, not logged one by one')
  })

  test(`${door.name}: at the timeout everything under way ends with an error that says why`, async t => {
    // One of them would be read on for a client that leaves; a gateway that leaves has no time for that.
    const providers = ['openai', 'anthropic'].map(
      like =>
        `  ${like}-on: { like: ${like}, base_url: "SIM/v1", keys: [k], allow_private: ["127.0.0.0/8"], on_abort: drain }`
    )
    const made = await startTestGateway({ providers: providers.join('\n') })
    t.after(made.close)
    const { gateway, sim, lines } = made
    const url = gateway.url + door.path
    const ask = (model: string, more: JsonObject = {}) => ({
      body: door.body(`${door.provider}/${model}`, model, more)
    })
    const other = door.provider === 'openai' ? 'anthropic' : 'openai'
    const streaming = await open(url, ask('stall-after-2', { stream: true }))
    await streaming.untilText(/data: /)
    const crossed = await open(url, { body: door.body(`${other}/stall-after-2`, 'x', { stream: true }) })
    await crossed.untilText(/data: /)
    const readOn = await open(url, { body: door.body(`${door.provider}-on/stall-after-2`, 'x', { stream: true }) })
    await readOn.untilText(/data: /)
    const waiting = [
      send(url, ask('silent', { stream: true })),
      send(url, ask('slow-first-token-60000', { stream: true })),
      send(url, ask('silent')),
      send(url, ask('stall-after-1')),
      send(url, ask('429-retry-after-20')),
      send(url, { body: door.body(`${door.provider}-on/silent`, 'on') })
    ]
    await until(() => sim.log().length === 3 + waiting.length, 'all are at the provider')
    const reading = new RawClient(gateway.port)
    const head = `POST ${door.path} HTTP/1.1\r\nhost: 127.0.0.1:${gateway.port}\r\ncontent-type: application/json\r\n`
    reading.send(`${head}content-length: 100\r\n\r\n{"model"`)
    await until(() => gateway.open.calls === 4 + waiting.length, 'and one is being read')
    const startedMs = performance.now()
    const left = gateway.drain(100)
    for (const stream of [streaming, crossed, readOn]) endsWithDraining(door, (await stream.rest()).toString())
    for (const answer of await Promise.all(waiting)) isDraining(door, answer)
    assert.match(await reading.untilClosed(), /^HTTP\/1\.1 503 [\s\S]*"code":"draining"/)
    await left
    assert.ok(performance.now() - startedMs < 100 + 5_000)
    assert.deepEqual(gateway.open, { calls: 0, upstreamSockets: 0 })
    await until(() => sim.log().every(entry => entry.finish !== 'open'), 'the provider has heard of it')
    const calls = messages(lines, 'call')
    assert.equal(calls.length, 3 + waiting.length)
    for (const call of calls) assert.deepEqual([call.outcome, call.status, call.code], ['failed', 503, 'draining'])
    assert.equal(messages(lines, 'drained')[0]?.cut, 4 + waiting.length)
  })
}

test('a drain does not wait for what is no call', async t => {
  const made = await startTestGateway()
  t.after(made.close)
  const kept = new RawClient(made.gateway.port)
  const probe = `GET /livez HTTP/1.1\r\nhost: 127.0.0.1:${made.gateway.port}\r\n`
  kept.send(`${probe}\r\n`)
  await kept.untilText(/200 OK/)
  const half = new RawClient(made.gateway.port)
  half.send(probe)
  await until(() => half.socket.readyState === 'open', 'half a request is there')
  const startedMs = performance.now()
  await made.gateway.drain(60_000)
  assert.ok(performance.now() - startedMs < 10_000)
  await Promise.all([kept.untilClosed(), half.untilClosed()])
})

// ---- as a process -------------------------------------------------------------------------------------------------

async function processWith(t: TestContext, drain: string) {
  const cwd = temporary(t)
  writeFileSync(join(cwd, 'gatehouse.yaml'), `sim: true\ndrain: ${drain}\n`)
  return startedGateway(t, [], { cwd })
}

const logged = (out: string, msg: string): JsonObject[] =>
  out
    .split('\n')
    .filter(line => line.startsWith('{') && line.includes(`"msg":"${msg}"`))
    .map(line => JSON.parse(line) as JsonObject)

async function notReady(url: string): Promise<void> {
  let status = 200
  while (status !== 503) status = (await send(`${url}/readyz`)).status
}

test('SIGTERM: open streams are finished, new calls turned away after the grace, exit 0, the log complete', async t => {
  const running = await processWith(t, '{ grace: 100ms, timeout: 60s }')
  const stream = await open(running.url + OPENAI.path, { body: OPENAI.body('sim/story', 'go', { stream: true }) })
  await stream.untilText(/"content":"\w/)
  running.child.kill('SIGTERM')
  await notReady(running.url)
  const ask = () => send(running.url + OPENAI.path, { body: OPENAI.body('sim/echo', 'hi') })
  let answer = await ask()
  while (answer.status === 200) answer = await ask()
  isDraining(OPENAI, answer)
  const events = (await stream.rest()).toString()
  assert.match(events, /"finish_reason":"stop"[\s\S]*data: \[DONE\]\n\n$/)
  assert.deepEqual(await running.ended, { code: 0, signal: null })
  const story = logged(running.out(), 'call').filter(line => line.modelAsked === 'sim/story')
  assert.deepEqual(
    story.map(line => line.outcome),
    ['done']
  )
  assert.equal(logged(running.out(), 'drained').length, 1)
})

test('SIGTERM: what is open at the timeout is told, and the process ends with 0 soon after', async t => {
  const running = await processWith(t, '{ grace: 10ms, timeout: 300ms }')
  const body = OPENAI.body('sim/stall-after-2', 'go', { stream: true })
  const stream = await open(running.url + OPENAI.path, { body })
  await stream.untilText(/"content":"\w/)
  const startedMs = performance.now()
  running.child.kill('SIGTERM')
  endsWithDraining(OPENAI, (await stream.rest()).toString())
  assert.deepEqual(await running.ended, { code: 0, signal: null })
  assert.ok(performance.now() - startedMs < 300 + 5_000)
  assert.equal(logged(running.out(), 'call')[0]?.code, 'draining')
})

test('a second signal is in a hurry: what is open is told, exit 0', async t => {
  const running = await processWith(t, '{ grace: 60s, timeout: 300s }')
  const body = OPENAI.body('sim/stall-after-2', 'go', { stream: true })
  const stream = await open(running.url + OPENAI.path, { body })
  await stream.untilText(/"content":"\w/)
  running.child.kill('SIGTERM')
  await notReady(running.url)
  assert.equal(running.child.exitCode, null, 'it waits for the stream')
  const rest = stream.rest()
  // One that comes at once may be the same Ctrl-C by another way; so it is repeated, as a person would.
  const repeat = setInterval(() => running.child.kill('SIGTERM'), 100)
  endsWithDraining(OPENAI, (await rest).toString())
  const ended = await running.ended
  clearInterval(repeat)
  assert.deepEqual(ended, { code: 0, signal: null })
  assert.equal(logged(running.out(), 'drained')[0]?.cut, 1)
})

test('Ctrl-C has no grace: nobody but a person waits for it', async t => {
  const running = await processWith(t, '{ grace: 60s, timeout: 300s }')
  const startedMs = performance.now()
  running.child.kill('SIGINT')
  assert.deepEqual(await running.ended, { code: 0, signal: null })
  assert.ok(performance.now() - startedMs < 20_000)
})

// ---- overload -----------------------------------------------------------------------------------------------------

class Feelings implements Vitals {
  readonly everyMs = 5
  readonly openFilesMax: number
  lagMs = 0
  constructor(openFilesMax = 100_000) {
    this.openFilesMax = openFilesMax
  }
  loopLagMs(): number {
    return this.lagMs
  }
  memoryShare(): number {
    return 0
  }
  close(): void {}
}

test('overload: new calls are turned away before their body is read, open streams go on, and it ends', async t => {
  const vitals = new Feelings()
  const made = await startTestGateway({ vitals, paceMs: 5, yaml: 'overload: { loop_lag: 150ms }' })
  t.after(made.close)
  const { gateway, lines } = made
  for (const door of DOORS) {
    const url = gateway.url + door.path
    const ask = () => send(url, { body: door.body(`${door.provider}/echo`, 'hi') })
    const stream = await open(url, { body: door.body(`${door.provider}/story`, 'go', { stream: true }) })
    await stream.untilText(/data: /)
    vitals.lagMs = 160
    let answer = await ask()
    while (answer.status === 200) answer = await ask()
    assert.equal(answer.status, 503)
    assert.equal(door.error(answer.json()).code, 'overloaded')
    assert.equal(answer.headers['retry-after'], '1')
    const unread = new RawClient(gateway.port)
    const host = `host: 127.0.0.1:${gateway.port}\r\ncontent-type: application/json\r\n`
    unread.send(`POST ${door.path} HTTP/1.1\r\n${host}content-length: 30000000\r\n\r\n`)
    await unread.untilText(/^HTTP\/1\.1 503 [\s\S]*overloaded/)
    unread.socket.destroy()
    assert.equal((await send(`${gateway.url}/livez`)).status, 200)
    assert.ok(door.ended(readSse([await stream.rest()])), 'the open stream was finished')
    vitals.lagMs = 0
    while (answer.status !== 200) answer = await ask()
  }
  assert.equal(messages(lines, 'refused').length, 0)
  const episodes = lines.filter(line => line.reason === 'loop_lag')
  assert.equal(episodes.length, 2 * DOORS.length, 'one line when it begins, one when it ends')
  assert.ok(episodes.filter(line => 'shed' in line).every(line => Number(line.shed) >= 2))
})

test('overload: with nine tenths of the sockets in use calls are turned away, and connections are not kept', async t => {
  const made = await startTestGateway({ vitals: new Feelings(20) })
  t.after(made.close)
  const { gateway, lines } = made
  assert.match(String(lines[0]?.msg), /only 20 files may be open/)
  const ask = () => send(gateway.url + OPENAI.path, { body: OPENAI.body('openai/echo', 'hi') })
  const idle = Array.from({ length: 18 }, () => new RawClient(gateway.port))
  await until(() => idle.every(({ socket }) => socket.readyState === 'open'), 'all are connected')
  const refused = await ask()
  assert.equal(refused.status, 503)
  assert.equal(OPENAI.error(refused.json()).code, 'overloaded')
  assert.equal(refused.headers.connection, 'close')
  for (const { socket } of idle) socket.destroy()
  let answer = await ask()
  while (answer.status !== 200) answer = await ask()
  assert.equal(lines.filter(line => line.reason === 'sockets').length, 2)
})
