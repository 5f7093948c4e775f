import { Agent, request } from 'node:http'

/** One call of a load, to its end. */
export interface Outcome {
  /** 0 where the connection broke before a head. */
  status: number
  /** Whether the body says what is wrong, as an API's error does. */
  isError: boolean
  tookMs: number
}

export interface LoadOptions {
  url: string
  perSecond: number
  durationMs: number
  /** Path and body of the call with this number. */
  call(number: number): { path: string; body: string }
}

const TICK_MS = 5
const CALL_TIMEOUT_MS = 60_000

/**
 * An open loop: calls begin when they are due, however many are under way, as real clients do. Resolves when the last
 * one has ended.
 */
export async function openLoop({ url, perSecond, durationMs, call }: LoadOptions): Promise<Outcome[]> {
  const agent = new Agent({ keepAlive: true })
  const running: Promise<Outcome>[] = []
  const startedMs = performance.now()
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startedMs) {
    const due = Math.min(elapsedMs, durationMs) * (perSecond / 1_000)
    while (running.length < due) {
      const { path, body } = call(running.length)
      running.push(send(`${url}${path}`, body, agent))
    }
    await new Promise(resolve => setTimeout(resolve, TICK_MS))
  }
  const outcomes = await Promise.all(running)
  agent.destroy()
  return outcomes
}

function send(url: string, body: string, agent: Agent): Promise<Outcome> {
  const startedMs = performance.now()
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise(resolve => {
    const ended = (status: number, text: string) =>
      resolve({ status, isError: isError(text), tookMs: performance.now() - startedMs })
    const outgoing = request(url, { method: 'POST', headers, agent, timeout: CALL_TIMEOUT_MS }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', () => {})
      response.on('close', () => ended(response.complete ? (response.statusCode ?? 0) : 0, text))
    })
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => ended(0, ''))
    outgoing.end(body)
  })
}

function isError(text: string): boolean {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } }
    return typeof error?.message === 'string'
  } catch {
    return false
  }
}
