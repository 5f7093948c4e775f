import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Sim, type SimLogEntry, startSim } from '../../src/sim/index.ts'
import { begin, type Door } from '../../test/support/client.ts'
import { until } from '../../test/support/until.ts'

/** What a provider is to the phase of a call in which its client leaves. */
export interface Upstream {
  /** As `base_url`, without `/v1`. */
  url: string
  /** So many calls have come as far as the phase asks for. */
  reached(): number
  /** So many were closed from the other side. */
  closed(): number
  close(): Promise<void>
}

export interface Phase {
  name: string
  /** The model that holds a call in this phase. */
  model: string
  /** What the client says to it. */
  text?: string
  open(): Promise<Upstream>
  /** The client waits until it has seen content of a stream. */
  untilContent?: boolean
  /** There is no call to close: instead, no second one may come within this time. */
  quietMs?: number
}

const REACH_MS = 20_000
/** Longer than any wait of a proof. */
const LONG_MS = 60_000
const BACK_OFF_S = 1
/** The back-off is over by then, jitter and all. */
const QUIET_MS = 1_600
const SETTLE_MS = 50

/** The phases of a call in which its client may leave, of those rooms that there are. */
export const PHASES: readonly Phase[] = [
  { name: 'dial', model: 'any', open: openMute },
  { name: 'head wait', model: 'silent', open: () => openSim(() => true) },
  {
    name: 'first byte',
    model: `slow-first-token-${LONG_MS}`,
    open: () => openSim(({ status }) => status === 200)
  },
  {
    name: 'mid-answer',
    model: 'stall-after-3',
    text: 'the lamp, the marsh, the ledger, the engine and the fog',
    untilContent: true,
    open: () => openSim(({ responseBytes }) => responseBytes > 0)
  },
  {
    name: 'back-off',
    model: `429-retry-after-${BACK_OFF_S}`,
    quietMs: QUIET_MS,
    open: () => openSim(({ finish }) => finish === 'ended')
  }
]

async function openSim(isReached: (entry: SimLogEntry) => boolean): Promise<Upstream> {
  const sim: Sim = await startSim()
  return {
    url: sim.url,
    reached: () => sim.log().filter(isReached).length,
    closed: () => sim.log().filter(({ finish }) => finish === 'aborted-by-client').length,
    close: () => sim.close()
  }
}

/** A server that takes connections and says nothing: a dial with TLS never gets further than its first message. */
async function openMute(): Promise<Upstream> {
  const sockets = new Set<Socket>()
  let [reached, closed] = [0, 0]
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.once('data', () => {
      reached++
    })
    socket.on('error', () => {})
    socket.once('end', () => socket.destroy())
    socket.once('close', () => {
      closed++
      sockets.delete(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached: () => reached,
    closed: () => closed,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

export interface Departure {
  /** From the client's leaving to the close that the provider saw; undefined where it saw none in time. */
  closedAfterMs: number | undefined
  /** What came although nobody was there any more. */
  cameLater: number
}

/** One call whose client leaves in this phase. */
export async function leaveIn(
  phase: Phase,
  upstream: Upstream,
  call: { url: string; door: Door; model: string; stream: boolean; withinMs: number }
): Promise<Departure> {
  const { url, door, model, stream, withinMs } = call
  const [reachedBefore, closedBefore] = [upstream.reached(), upstream.closed()]
  const client = begin(`${url}${door.path}`, { body: door.body(model, phase.text ?? 'wait for me', { stream }) })
  let heard = 0
  client.once('response', response => {
    response.on('error', () => {})
    response.on('data', (chunk: Buffer) => {
      heard += chunk.length
    })
  })
  await until(() => upstream.reached() > reachedBefore, `${phase.name}: the call came so far`, REACH_MS)
  if (phase.untilContent && stream) await until(() => heard > 0, `${phase.name}: content came`, REACH_MS)
  else await sleep(SETTLE_MS)
  const leftMs = performance.now()
  client.destroy()
  if (phase.quietMs !== undefined) {
    await sleep(phase.quietMs)
    return { closedAfterMs: undefined, cameLater: upstream.reached() - reachedBefore - 1 }
  }
  const isClosed = await until(() => upstream.closed() > closedBefore, 'the close', withinMs).then(
    () => true,
    () => false
  )
  return { closedAfterMs: isClosed ? performance.now() - leftMs : undefined, cameLater: 0 }
}
