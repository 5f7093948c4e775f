import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DOORS, type Door, OPENAI, open } from '../support/client.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startedGateway, temporary } from '../support/process.ts'
import { HEAD, piece, type Scripted, scriptedAs, startScripted, streamOf } from '../support/scripted.ts'
import { until } from '../support/until.ts'

const READERS = 50
const CUT_OFF = 15
const MB = 1e6
/** In each event: large enough that few fill every buffer on the way. */
const WORD = 'x'.repeat(16_000)
/**
 * To each slow client 64 KiB wait, and one piece as it came and as it goes. The rest is what passed through to fill the
 * kernel's buffers (some 400 MB) and waits for the collector. Without a bound there is no end: the provider has none.
 */
const RSS_MAX = READERS * 4 * 64 * 1024 + 180 * MB

/** A provider that never stops, as fast as it is let. */
async function endless(t: TestContext, door: Door): Promise<Scripted> {
  const { begin, word } = streamOf(door)
  const more = piece(word(WORD))
  const provider = await startScripted(socket => {
    const pour = () => {
      while (!socket.destroyed && socket.write(more));
    }
    socket.write(HEAD('text/event-stream') + piece(begin))
    socket.on('drain', pour)
    pour()
  })
  t.after(() => provider.close())
  return provider
}

async function readers(count: number, url: string, door: Door) {
  const ask = { body: door.body('endless/m', 'go', { stream: true }) }
  const all = await Promise.all(Array.from({ length: count }, () => open(url + door.path, ask)))
  for (const { response } of all) response.on('error', () => {})
  return all
}

/** Every buffer on the way is full when nothing has moved for a while. */
async function stuck(sockets: readonly Socket[]): Promise<void> {
  const moved = () => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0)
  let before = -1
  while (before !== moved() || sockets.some(socket => socket.writableLength === 0)) {
    before = moved()
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}

const rss = (pid: number | undefined) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

const linux = process.platform !== 'linux' && 'memory is read from /proc'

test(`${READERS} clients that do not read cost little memory, and go with what they held`, { skip: linux }, async t => {
  const provider = await endless(t, OPENAI)
  const cwd = temporary(t)
  writeFileSync(join(cwd, 'gatehouse.yaml'), `providers:\n${scriptedAs('endless', 'openai', provider.port)}\n`)
  const { url, child } = await startedGateway(t, [], { cwd })
  const warm = await open(url + OPENAI.path, { body: OPENAI.body('endless/m', 'go', { stream: true }) })
  for (let read = 0; read < 20 * MB; ) {
    const chunk = warm.response.read() as Buffer | null
    if (chunk) read += chunk.length
    else await new Promise(resolve => warm.response.once('readable', resolve))
  }
  warm.leave()
  const before = rss(child.pid)
  const all = await readers(READERS, url, OPENAI)
  const sockets = provider.heard.slice(1).map(one => one.socket)
  assert.equal(sockets.length, READERS)
  await stuck(sockets)
  const grown = rss(child.pid) - before
  const sent = sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0)
  t.diagnostic(`${(sent / MB).toFixed(0)} MB sent by the provider, memory grew by ${(grown / MB).toFixed(0)} MB`)
  assert.ok(grown < RSS_MAX, `${(grown / MB).toFixed(0)} MB, more than ${(RSS_MAX / MB).toFixed(0)}`)
  for (const reader of all) reader.leave()
  await until(() => provider.open() === 0, 'every call of the provider is given up')
})

for (const door of DOORS) {
  test(`${door.name}: clients that take nothing for long are cut off on both sides; one that reads is not`, async t => {
    const provider = await endless(t, door)
    const { gateway, lines, close } = await startTestGateway({
      bare: true,
      providers: scriptedAs('endless', door.provider, provider.port),
      http: { slowClientMs: 400 }
    })
    t.after(close)
    const reading = await open(gateway.url + door.path, { body: door.body('endless/m', 'go', { stream: true }) })
    let taken = 0
    // It reads on, but never much at a time.
    const sip = setInterval(() => {
      taken += (reading.response.read() as Buffer | null)?.length ?? 0
    }, 20)
    t.after(() => clearInterval(sip))
    const slow = await readers(CUT_OFF, gateway.url, door)
    await until(() => lines.length === CUT_OFF, 'all of them are cut off', 30_000)
    for (const line of lines) assert.deepEqual([line.outcome, line.status], ['aborted', 499])
    await until(() => provider.open() === 1, 'and the provider let go')
    assert.equal(gateway.open.calls, 1)
    const before = taken
    await until(() => taken > before + MB, 'the other one goes on')
    clearInterval(sip)
    reading.leave()
    for (const reader of slow) reader.leave()
    await until(() => gateway.open.calls === 0 && provider.open() === 0, 'nothing is left')
  })
}
