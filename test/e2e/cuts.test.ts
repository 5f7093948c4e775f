import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { after, before, test } from 'node:test'
import { DOORS, type Door, OPENAI, send } from '../support/client.ts'
import { fixtures, seeded } from '../support/dialects.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Recorder, startRecorder } from '../support/recorder.ts'

/**
 * Truncated as a success: never. Streams of both dialects are cut at every byte, by a broken connection and by a clean
 * end, before a real gateway; the client gets all of it, or is told.
 */
const STREAMS = [
  { dialect: 'anthropic-messages', fixture: 'text', isEvery: true },
  { dialect: 'anthropic-messages', fixture: 'unicode', isEvery: false },
  { dialect: 'openai-chat', fixture: 'text', isEvery: false }
] as const

interface Cut {
  provider: 'a' | 'o'
  fixture: string
  at: number
  /** The connection is destroyed, or the body ends as if all were well. */
  how: 'destroyed' | 'ended'
}

let provider: Recorder
let gateway: TestGateway
const agent = new Agent({ keepAlive: true, maxSockets: 24 })

const bytesOf = (provider: Cut['provider'], fixture: string) =>
  fixtures(provider === 'a' ? 'anthropic-messages' : 'openai-chat', 'streams').find(({ name }) => name === fixture)!
    .text

const BYTES = new Map(
  STREAMS.map(({ dialect, fixture }) => {
    const provider = dialect === 'openai-chat' ? 'o' : 'a'
    return [`${provider}.${fixture}`, bytesOf(provider, fixture)]
  })
)

/** Which stream is sent, and how far, is the name of the model: `o.text.123.destroyed`. */
function nameOf({ provider, fixture, at, how }: Cut): string {
  return [provider, fixture, at, how].join('.')
}

const routesOf = (of: string, fixture: string) => `  error-${of}-${fixture}-*: ${of}/*
  continue-${of}-${fixture}-*: { to: { fallback: [${of}/*, ${of}/${of}.${fixture}.whole] }, stream_recovery: continue }`

before(async () => {
  provider = await startRecorder(async ({ body }, response) => {
    const { model } = JSON.parse(body.toString()) as { model: string }
    const [of, fixture, at, how] = model.split('.')
    const bytes = BYTES.get(`${of}.${fixture}`)!
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    // A connection that broke before the first byte is another fault, and another test.
    response.flushHeaders()
    const piece = bytes.subarray(0, at === 'whole' ? bytes.length : Number(at))
    if (piece.length > 0 && !response.write(piece)) await once(response, 'drain')
    if (how === 'destroyed') response.socket?.write('', () => response.socket?.destroy())
    else response.end()
  })
  gateway = await startTestGateway({
    bare: true,
    providers: ['o', 'a']
      .map(
        name =>
          `  ${name}: { base_url: "${provider.baseUrl}", dialect: ${name === 'o' ? 'openai-chat' : 'anthropic-messages'}, quirks: {}, keys: [any], allow_private: ["127.0.0.0/8"] }`
      )
      .join('\n'),
    yaml: `
routes:
${STREAMS.map(({ dialect, fixture }) => routesOf(dialect === 'openai-chat' ? 'o' : 'a', fixture)).join('\n')}`
  })
})

after(async () => {
  agent.destroy()
  await gateway.close()
  await provider.close()
})

/** Every byte; or, where there are too many, those about the ends of events, and as many others. */
function positions(bytes: Buffer, isEvery: boolean): number[] {
  const all = Array.from({ length: bytes.length + 1 }, (_, at) => at)
  if (isEvery) return all
  const random = seeded(5)
  const isNear = (at: number) => bytes.subarray(Math.max(0, at - 2), at + 2).includes('\n\n')
  return all.filter(at => isNear(at) || random() < 0.12)
}

const TEXT = new Map<string, string>()

async function run(door: Door, mode: 'error' | 'continue', cut: Cut): Promise<'whole' | 'told'> {
  const model = `${mode}-${cut.provider}-${cut.fixture}-${nameOf(cut)}`
  const body = door.body(model, 'hello', { stream: true })
  const answer = await send(gateway.gateway.url + door.path, { body, agent })
  const what = `${door.name} ${model}: ${answer.text.slice(-300)}`
  if (answer.status !== 200) {
    assert.ok(answer.status >= 500 && 'error' in answer.json(), what)
    return 'told'
  }
  const events = answer.events()
  const broken = door.broken(events)
  if (broken) {
    assert.ok(!door.ended(events), what)
    assert.equal(door.broken(events.slice(0, -1)), undefined, `the error is the last event: ${what}`)
    return 'told'
  }
  assert.ok(door.ended(events), what)
  assert.ok(JSON.stringify(events).includes(door === OPENAI ? 'finish_reason' : 'stop_reason'), what)
  assert.equal(door.streamed(events), TEXT.get(`${cut.provider}.${cut.fixture}`), what)
  return 'whole'
}

/** All of them, some at a time. */
async function all<Item>(items: readonly Item[], each: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await each(item)
  }
  await Promise.all(Array.from({ length: 24 }, worker))
}

for (const { dialect, fixture, isEvery } of STREAMS) {
  const of = dialect === 'openai-chat' ? 'o' : 'a'
  for (const door of DOORS) {
    const isNative = door.name === dialect
    for (const mode of ['error', 'continue'] as const) {
      test(`${dialect} ${fixture}, for ${door.name}, ${mode}: cut anywhere, the client has all of it or is told`, async () => {
        const bytes = BYTES.get(`${of}.${fixture}`)!
        const whole = await send(gateway.gateway.url + door.path, {
          body: door.body(`${of}/${of}.${fixture}.whole`, 'hello', { stream: true }),
          agent
        })
        TEXT.set(`${of}.${fixture}`, door.streamed(whole.events()))
        assert.ok(door.streamed(whole.events()).length > 5)
        const random = seeded(11)
        const cuts = positions(bytes, isEvery)
          .filter(() => isNative || random() < 0.2)
          .map((at): Cut => ({ provider: of, fixture, at, how: at % 2 === 0 ? 'destroyed' : 'ended' }))
        const counted = { whole: 0, told: 0 }
        await all(cuts, async cut => {
          counted[await run(door, mode, cut)]++
        })
        assert.ok(counted.whole > 0)
        if (mode === 'error') assert.ok(counted.told > counted.whole, 'most cuts come before the last finish')
        else assert.equal(counted.told, 0, 'another one goes on with all of them')
      })
    }
  }
}

test('every row of the log agrees with what the client got', () => {
  const rows = gateway.lines.filter(line => line.msg === 'call')
  assert.ok(rows.length > 1_000)
  for (const line of rows) {
    assert.ok(line.outcome === 'done' || line.outcome === 'failed')
    if (line.outcome === 'done') assert.ok(line.finish !== undefined)
    else assert.ok(Number(line.status) >= 500 && line.code !== undefined, JSON.stringify(line))
  }
})
