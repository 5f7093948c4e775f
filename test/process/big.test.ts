import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { startSim } from '../../src/sim/index.ts'
import { ANTHROPIC, begin, DOORS, type Door, OPENAI, send } from '../support/client.ts'
import { seeded } from '../support/dialects.ts'
import { simAsBoth, startTestGateway } from '../support/gateway.ts'
import { startedGateway, temporary } from '../support/process.ts'
import { until } from '../support/until.ts'

const MB = 1e6
const BODY_BYTES = 38 * MB
const AT_ONCE = 4
/** What is measured here is size; a machine that runs other tests beside it is late for other reasons. */
const PATIENT = 'overload: { loop_lag: 60s }'

/**
 * What four such bodies may cost, in multiples of one: each is held once as it came and at most once on its way into a
 * socket; one that is put into the other dialect is held as text and as values too, and what is let go waits a while
 * for the collector.
 */
const COPIES_SAME_DIALECT = 2 * AT_ONCE
const COPIES_CROSSED = 6 * AT_ONCE

/** Base64 of something that begins like a PNG. */
function image(random: () => number, bytes: number): string {
  const pixels = Buffer.alloc(bytes - (bytes % 3), Math.floor(random() * 256))
  for (let at = 0; at < pixels.length; at += 97) pixels[at] = Math.floor(random() * 256)
  pixels.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return pixels.toString('base64')
}

/** A call with many images, of about so many bytes. */
function gallery(door: Door, model: string, bytes: number): Buffer {
  const random = seeded(7)
  const count = 38
  const images = Array.from({ length: count }, () => image(random, Math.floor((bytes / count) * 0.75) - 100))
  const part = (data: string): JsonObject =>
    door === OPENAI
      ? { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }
      : { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }
  const content = [...images.map(part), { type: 'text', text: 'What is on these?' }]
  return Buffer.from(JSON.stringify({ model, max_tokens: 500, messages: [{ role: 'user', content }] }))
}

/** The most memory the process has ever had, in bytes. */
function peakBytes(pid: number | undefined): number {
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

async function gatewayProcess(t: TestContext) {
  const sim = await startSim()
  t.after(() => sim.close())
  const cwd = temporary(t)
  writeFileSync(join(cwd, 'gatehouse.yaml'), `providers:\n${simAsBoth(sim.url)}\n`)
  return { sim, ...(await startedGateway(t, [], { cwd })) }
}

const linux = process.platform !== 'linux' && 'the peak of memory is read from /proc'

// The doors share their code; each way over is one of their own.
for (const [door, crossed] of [
  [OPENAI, false],
  [OPENAI, true],
  [ANTHROPIC, true]
] as const) {
  const forced = process.env.FORCE_CANONICAL === '1'
  const bound = (crossed || forced ? COPIES_CROSSED : COPIES_SAME_DIALECT) * BODY_BYTES
  const other = door === OPENAI ? 'anthropic' : 'openai'
  const title = `${door.name}: four bodies of 38 MB at one time, ${crossed ? 'into the other dialect' : 'unchanged'}`
  test(title, { skip: linux }, async t => {
    const { sim, url, child } = await gatewayProcess(t)
    // A name of the provider's own: nothing of the body is touched.
    const model = crossed ? `${other}/see` : 'see'
    await send(url + door.path, { body: door.body(model, 'warm') })
    const body = gallery(door, model, BODY_BYTES)
    assert.ok(body.length > BODY_BYTES * 0.99 && body.length < 40 * MB, `${body.length} bytes`)
    const before = peakBytes(child.pid)
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => send(url + door.path, { body })))
    for (const answer of answers) assert.equal(answer.status, 200, answer.text.slice(0, 500))
    const entries = sim.log().slice(1)
    assert.equal(entries.length, AT_ONCE)
    const sha256 = createHash('sha256').update(body).digest('hex')
    for (const entry of entries) {
      assert.equal(entry.dialect, crossed ? (other === 'openai' ? 'openai-chat' : 'anthropic-messages') : door.name)
      if (!crossed && !forced) assert.equal(entry.bodySha256, sha256, 'every byte arrived')
      assert.ok(entry.bodyBytes > BODY_BYTES * 0.99)
    }
    const grown = peakBytes(child.pid) - before
    t.diagnostic(`peak memory grew by ${(grown / MB).toFixed(0)} MB (at most ${(bound / MB).toFixed(0)})`)
    assert.ok(grown < bound, `${(grown / MB).toFixed(0)} MB, more than ${(bound / MB).toFixed(0)}`)
  })
}

test('41 MB are refused, and cost nothing', { skip: linux }, async t => {
  const { sim, url, child } = await gatewayProcess(t)
  await send(url + OPENAI.path, { body: OPENAI.body('see', 'warm') })
  const before = peakBytes(child.pid)
  for (const door of DOORS) {
    const body = Buffer.alloc(41 * MB, 'x')
    const declared = await send(url + door.path, { body })
    const chunked = await send(url + door.path, {
      body,
      headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' }
    }).catch(() => undefined)
    assert.equal(declared.status, 413)
    assert.equal(door.error(declared.json()).code, 'body_too_large')
    // Who sends on and on may be cut off before the answer is read.
    if (chunked) assert.equal(chunked.status, 413)
  }
  assert.equal(sim.log().length, 1)
  const grown = peakBytes(child.pid) - before
  assert.ok(grown < 2.5 * 41 * MB, `${(grown / MB).toFixed(0)} MB: only what was read of a body without a length`)
})

test('bodies in flight are limited together; who comes too much is told when to come back', async t => {
  const { gateway, sim, close } = await startTestGateway({ yaml: 'limits: { in_flight: 1MB }' })
  t.after(close)
  for (const door of DOORS) {
    const body = door.body(`${door.provider}/assistant`, 'x'.repeat(600_000))
    const seen = sim.log().length
    const held = begin(gateway.url + door.path, { body: { ...body, model: `${door.provider}/silent` } })
    await until(() => sim.log().length > seen, 'the first one is at the provider')
    const refused = await send(gateway.url + door.path, { body })
    assert.equal(refused.status, 503)
    assert.equal(door.error(refused.json()).code, 'overloaded')
    assert.equal(refused.headers['retry-after'], '1')
    // A small one still has room.
    assert.equal(
      (await send(gateway.url + door.path, { body: door.body(`${door.provider}/assistant`, 'hi') })).status,
      200
    )
    held.destroy()
    await until(() => gateway.open.calls === 0, 'the first one is gone')
    assert.equal((await send(gateway.url + door.path, { body })).status, 200)
  }
})

test('large answers pass, whole and streamed, in either dialect', async t => {
  const { gateway, close } = await startTestGateway({ yaml: `timeouts: { head: 60s }\n${PATIENT}` })
  t.after(close)
  const pass = async (door: Door, target: string, stream: boolean) => {
    const body = door.body(target, 'go [[sim:chunk=5000]]', { max_tokens: 10_000_000, stream })
    const answer = await send(gateway.url + door.path, { body })
    assert.equal(answer.status, 200, answer.text.slice(0, 300))
    if (!stream) return door.said(answer.json())
    const events = answer.events()
    assert.ok(door.ended(events))
    return door.streamed(events)
  }
  // 20 MB take the simulated provider a while: once whole, once as a stream, both ways over.
  const whole = await pass(OPENAI, 'openai/big-20000', false)
  assert.equal(whole.length, 20_000 * 1024)
  assert.equal(hash(await pass(ANTHROPIC, 'openai/big-20000', true)), hash(whole), 'the same text either way')
  for (const door of DOORS) {
    for (const provider of ['openai', 'anthropic']) {
      const texts = [
        await pass(door, `${provider}/huge-event`, false),
        await pass(door, `${provider}/huge-event`, true)
      ]
      for (const text of texts) assert.ok(text.length >= 2_000_000, `${text.length} characters`)
      assert.equal(texts[0], texts[1])
    }
  }
})

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
