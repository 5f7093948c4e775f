import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { openBodies } from '../../src/stores/bodies/open.ts'
import { NOON_MS } from './conformance/bodies.ts'
import { chatSession, messagesSession, rowsOf, TURNS, type Turn } from './conformance/talks.ts'

/** All bytes on the disk, with what it takes to find the bodies by their words, over those of the last turn's body. */
async function ratioOf(t: TestContext, session: Iterable<Turn>): Promise<number> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-bodies-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const store = await openBodies({ engine: 'sqlite', directory })
  let last = 0
  for (const row of rowsOf(session, NOON_MS)) {
    await store.put([row])
    assert.deepEqual(await store.find(row.requestId, row.atMs), row)
    last = Buffer.byteLength(row.received as string)
  }
  await store.close()
  const names = readdirSync(directory)
  const bytes = names.reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0)
  t.diagnostic(`${TURNS} turns: ${bytes} bytes, ${(bytes / last).toFixed(2)} times the ${last} of the last turn's body`)
  return bytes / last
}

test('a chat of 50 turns takes less than three times its last turn', async t => {
  assert.ok((await ratioOf(t, chatSession(1))) < 3)
})

test('messages of 50 turns with a mark that wanders take less than three times the last', async t => {
  assert.ok((await ratioOf(t, messagesSession(1))) < 3)
})
