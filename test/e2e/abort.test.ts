import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { ANTHROPIC, begin, DOORS, type Door, OPENAI, open, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { HEAD, type Heard, piece, type Scripted, scriptedAs, startScripted, streamOf } from '../support/scripted.ts'
import { until } from '../support/until.ts'
import { RawClient } from '../wire/kit.ts'

/** How long a provider's connection may outlive the client's (I6). The best of a few tries: the machine may be busy. */
const WITHIN_MS = 250
const TRIES = 3

type Answer = (socket: Socket, door: Door) => void

const silent: Answer = () => {}
const SSE = 'text/event-stream'

interface Phase {
  name: string
  stream: boolean
  /** What the providers do with each whole request; the second one matters where there is one. */
  answer: Answer
  second?: Answer
  /** Connections of providers that are open when the client leaves. */
  open: number
  model?: string
  /** Tries that were made and failed before. */
  attempts?: number
}

const refusing =
  (status: string): Answer =>
  socket =>
    socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`)
const backSoon = refusing('503 Unavailable\r\nretry-after: 6')
const unavailable = refusing('503 Unavailable')
const headAndRole: Answer = (socket, door) => socket.write(HEAD(SSE) + piece(streamOf(door).begin))
const midStream: Answer = (socket, door) => {
  const { begin, word } = streamOf(door)
  socket.write(HEAD(SSE) + piece(begin + word('Once ')))
}
const halfWhole: Answer = socket => socket.write(`${HEAD('application/json')}${piece('{"id":')}`)

const PHASES: readonly Phase[] = [
  { name: 'dial', model: 'tls/m', stream: true, answer: silent, open: 1 },
  { name: 'head wait', stream: true, answer: silent, open: 1 },
  { name: 'head wait of a whole call', stream: false, answer: silent, open: 1 },
  { name: 'first byte', stream: true, answer: headAndRole, open: 1 },
  { name: 'mid-stream', stream: true, answer: midStream, open: 1 },
  { name: 'amid a whole answer', stream: false, answer: halfWhole, open: 1 },
  { name: 'back-off', stream: true, model: 'again', answer: backSoon, open: 0, attempts: 1 },
  { name: 'fallback', stream: true, model: 'next', answer: unavailable, second: silent, open: 1 },
  { name: 'hedge in flight', stream: true, model: 'both', answer: headAndRole, second: silent, open: 2 }
]

/** Two providers of one dialect that do as they are told, and a gateway before them. */
async function before(t: TestContext, door: Door) {
  let answers: [Answer, Answer] = [silent, silent]
  const asked = (nth: 0 | 1) => (socket: Socket) => answers[nth](socket, door)
  const first = await startScripted(asked(0))
  const second = await startScripted(asked(1))
  const like = door.provider
  const gateway = await startTestGateway({
    bare: true,
    providers: [
      scriptedAs('first', like, first.port),
      scriptedAs('second', like, second.port),
      scriptedAs('tls', like, first.port, 'https')
    ].join('\n'),
    yaml: `routes:
  again: { retry: first/m, times: 3 }
  next: { fallback: [first/m, second/m] }
  both: { hedge: first/m, with: second/m, after: 30ms }`
  })
  t.after(async () => {
    await gateway.close()
    await first.close()
    await second.close()
  })
  return {
    gateway,
    first,
    second,
    play(one: Answer, other: Answer = silent) {
      answers = [one, other]
    }
  }
}

const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

/** Connections that are open now, of which the gateway has said something (a TLS greeting counts). */
const openAt = (...providers: Scripted[]): Heard[] =>
  providers.flatMap(({ heard }) => heard.filter(one => one.closedMs === undefined))

async function nothingLeft({ gateway, lines }: TestGateway, from: number, what: string): Promise<void> {
  await until(() => gateway.open.calls === 0 && gateway.open.upstreamSockets === 0, `${what}: nothing is open`)
  await until(() => lines.length > from, `${what}: it is noted`)
  const { msg, status, outcome } = lines.at(-1)!
  assert.deepEqual({ msg, status, outcome }, { msg: 'call', status: 499, outcome: 'aborted' }, what)
  assert.equal(lines.length, from + 1, `${what}: once`)
}

for (const door of DOORS) {
  test(`${door.name}: a client that leaves closes what is open at the providers, in every phase, at once`, async t => {
    const { gateway, first, second, play } = await before(t, door)
    // What the process keeps for itself (the look at its load among them) is there from the first call on.
    const timersBefore = timers()
    for (const phase of PHASES) {
      const tookMs: number[] = []
      for (let nth = 0; nth < TRIES && !tookMs.some(ms => ms < WITHIN_MS); nth++) {
        play(phase.answer, phase.second)
        const from = gateway.lines.length
        const requests = first.heard.length
        const body = door.body(phase.model ?? 'first/m', 'go', { stream: phase.stream })
        const outgoing = begin(gateway.gateway.url + door.path, { body })
        const answered = new Promise(resolve => outgoing.once('response', resolve))
        await until(() => first.heard.length > requests, `${phase.name}: the provider is reached`)
        await until(() => openAt(first, second).length === phase.open, `${phase.name}: ${phase.open} are open`)
        if (phase.name === 'mid-stream') await answered
        if (phase.open === 0)
          await until(() => gateway.gateway.open.upstreamSockets === 0, 'the next try is waited for')
        const open = openAt(first, second)
        const leftMs = performance.now()
        outgoing.destroy()
        await nothingLeft(gateway, from, phase.name)
        await until(() => open.every(one => one.closedMs !== undefined), `${phase.name}: the providers see it`)
        tookMs.push(Math.max(0, ...open.map(one => (one.closedMs ?? Number.POSITIVE_INFINITY) - leftMs)))
        assert.equal(gateway.lines.at(-1)?.attempts ?? 0, phase.attempts ?? gateway.lines.at(-1)?.attempts, phase.name)
      }
      assert.ok(Math.min(...tookMs) < WITHIN_MS, `${phase.name}: ${tookMs.map(ms => ms.toFixed()).join(', ')} ms`)
    }
    await until(() => timers() <= timersBefore, `no timer is left (${timers()}, ${timersBefore} before)`)
  })

  test(`${door.name}: clients that leave are not held against the provider`, async t => {
    const { gateway, first, play } = await before(t, door)
    const url = gateway.gateway.url + door.path
    play(silent)
    for (let nth = 0; nth < 12; nth++) {
      const heard = first.heard.length
      const outgoing = begin(url, { body: door.body('next', 'go', { stream: true }) })
      await until(() => first.heard.length > heard, 'the provider has the call')
      outgoing.destroy()
      await until(() => gateway.gateway.open.calls === 0, 'the call is gone')
    }
    play((socket, of) => {
      const { begin, word, end } = streamOf(of)
      socket.write(`${HEAD(SSE)}${piece(begin + word('here') + end)}0\r\n\r\n`)
    })
    const answer = await send(url, { body: door.body('next', 'go', { stream: true }) })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-gatehouse-provider'], 'first')
    assert.equal(answer.headers['x-gatehouse-fallback'], '0')
    assert.equal(door.streamed(answer.events()), 'here')
  })

  test(`${door.name}: pipelined calls, and one whose provider is held back, go with their client`, async t => {
    const { gateway, first, play } = await before(t, door)
    play(midStream)
    const body = JSON.stringify(door.body('first/m', 'go', { stream: true }))
    const call = `POST ${door.path} HTTP/1.1\r\nhost: 127.0.0.1:${gateway.gateway.port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    const client = new RawClient(gateway.gateway.port)
    client.send(call + call)
    await until(() => openAt(first).filter(one => one.requests > 0).length === 2, 'both are at the provider')
    await client.untilText(/Once /)
    client.socket.destroy()
    await until(() => first.open() === 0, 'both are given up')
    await until(() => gateway.gateway.open.calls === 0 && gateway.lines.length === 2, 'nothing is open')
    for (const line of gateway.lines) assert.deepEqual([line.status, line.outcome], [499, 'aborted'])

    const flood = streamOf(door).word('x'.repeat(60_000))
    const paused: Answer = (socket, of) => {
      socket.write(HEAD(SSE) + piece(streamOf(of).begin))
      const more = () => {
        while (!socket.destroyed && socket.write(piece(flood)));
      }
      socket.on('drain', more)
      more()
    }
    play(paused)
    const answer = await open(gateway.gateway.url + door.path, { body: door.body('first/m', 'go', { stream: true }) })
    answer.response.on('error', () => {})
    let written = -1
    const socket = () => first.heard.at(-1)!.socket
    while (written !== socket().bytesWritten || socket().writableLength === 0) {
      written = socket().bytesWritten
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    answer.leave()
    await nothingLeft(gateway, 2, 'held back')
    await until(() => first.open() === 0, 'it is given up')
  })
}

test('a client that leaves while its body is still on the way is noted, and no provider hears of it', async t => {
  const { gateway, first } = await before(t, OPENAI)
  for (const door of [OPENAI, ANTHROPIC]) {
    const client = new RawClient(gateway.gateway.port)
    const from = gateway.lines.length
    client.send(
      `POST ${door.path} HTTP/1.1\r\nhost: 127.0.0.1:${gateway.gateway.port}\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{"model"`
    )
    await until(() => gateway.gateway.open.calls === 1, 'the call has begun')
    client.socket.destroy()
    await until(() => gateway.lines.length > from, 'it is noted')
    const { status, outcome } = gateway.lines.at(-1) as JsonObject
    assert.deepEqual({ status, outcome }, { status: 499, outcome: 'aborted' })
  }
  assert.equal(first.heard.length, 0)
})
