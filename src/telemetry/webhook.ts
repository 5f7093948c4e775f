import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { Failure } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { Log } from '../log.ts'
import type { Secret } from '../secret.ts'
import type { Upstream } from '../wire/upstream.ts'

export interface WebhookSettings {
  /** Ranges (CIDR) that may be told although they are private. */
  allowPrivate: readonly string[]
  /** What messages are signed with; undefined: they are not. */
  secret: Secret | undefined
}

export interface WebhookRooms {
  /** With its guard against private addresses. */
  upstream: Upstream
  clock: Clock
  log: Log
  userAgent: string
  /** Between tries. Default: 1, 5 and 25 s. */
  retryMs?: readonly number[]
}

const TIMEOUT_MS = 5_000
/** Between two tries; what then still fails is in the log alone. */
const RETRY_MS = [1_000, 5_000, 25_000] as const

/**
 * Tells an address of the user's about something, some time later. Signed as `x-gatehouse-signature: t=<seconds>,v1=<hex>`,
 * the HMAC-SHA-256 of `<seconds>.<body>`. Never rejects, and never holds up who calls it.
 */
export async function tellWebhook(
  url: string,
  message: JsonObject,
  settings: WebhookSettings,
  rooms: WebhookRooms
): Promise<void> {
  const body = Buffer.from(JSON.stringify(message))
  for (const waitMs of [0, ...(rooms.retryMs ?? RETRY_MS)]) {
    if (waitMs > 0) await sleep(waitMs, undefined, { ref: false })
    try {
      await post(new URL(url), body, settings, rooms)
      return
    } catch (thrown) {
      // The address may hold what is not for a log: only its host is told.
      rooms.log.warn({ host: new URL(url).host, why: Failure.from(thrown).message }, 'a webhook was not told')
    }
  }
}

function post(at: URL, body: Buffer, { allowPrivate, secret }: WebhookSettings, rooms: WebhookRooms): Promise<void> {
  const headers = ['content-type', 'application/json', 'user-agent', rooms.userAgent, ...signature(body, secret, rooms)]
  return new Promise((resolve, reject) => {
    let status = 0
    rooms.upstream.send(
      {
        origin: at.origin,
        path: at.pathname + at.search,
        method: 'POST',
        headers,
        body,
        timeouts: { connectMs: TIMEOUT_MS, headMs: TIMEOUT_MS, idleMs: TIMEOUT_MS },
        allowPrivate
      },
      {
        head: answered => {
          status = answered
        },
        data: () => true,
        end: () => {
          if (status >= 200 && status < 300) resolve()
          else reject(new Failure('provider_error', `It answered with status ${status}.`))
        },
        error: reject
      }
    )
  })
}

function signature(body: Buffer, secret: Secret | undefined, { clock }: WebhookRooms): string[] {
  if (secret === undefined) return []
  const seconds = Math.floor(clock.wallMs() / 1000)
  const mac = createHmac('sha256', secret.reveal()).update(`${seconds}.`).update(body).digest('hex')
  return ['x-gatehouse-signature', `t=${seconds},v1=${mac}`]
}
