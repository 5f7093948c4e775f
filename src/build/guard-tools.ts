import { createHmac } from 'node:crypto'
import type { Plant } from '../build.ts'
import type { Config } from '../config/index.ts'
import { Failure } from '../errors.ts'
import type { Tools } from '../guards/guard.ts'
import type { Upstream, UpstreamRequest } from '../wire/upstream.ts'
import { cloudAccess } from './guard-clouds.ts'

const ANSWER_BYTES_MAX = 1_000_000
/** The guard's own deadline is what counts; this is for services that nobody waits for any more. */
const TIMEOUT_MS = 60_000
const TIMEOUTS = { connectMs: TIMEOUT_MS, headMs: TIMEOUT_MS, idleMs: TIMEOUT_MS }

type World = Pick<Plant, 'clock' | 'upstream' | 'signers' | 'version'>

/** What checks may use of the world: the clock, and outside services behind the guard against private addresses. */
export function guardTools({ webhooks }: Pick<Config, 'webhooks'>, world: World): Tools {
  const { clock, upstream, signers, version } = world
  const signatureOf = (body: string, secret: string): string[] => {
    const seconds = Math.floor(clock.wallMs() / 1_000)
    const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
    return ['x-gatehouse-signature', `t=${seconds},v1=${mac}`]
  }
  return {
    wallMs: () => clock.wallMs(),
    async post({ url, headers, body, signal, allowPrivate = webhooks.allowPrivate, sign, as }) {
      const at = new URL(url)
      const signature = sign === undefined ? [] : signatureOf(body, sign)
      const named = ['content-type', 'application/json', 'user-agent', `gatehouse/${version}`]
      const outgoing = {
        origin: at.origin,
        path: at.pathname + at.search,
        method: 'POST',
        headers: [...named, ...Object.entries(headers).flat(), ...signature],
        body: Buffer.from(body)
      } as const
      const access = as && cloudAccess(as, at, signers)
      const send = async (): Promise<Answered> => {
        const ours = access ? await access.authorize(outgoing) : []
        const all = [...outgoing.headers, ...ours]
        return exchange(upstream, { ...outgoing, headers: all, timeouts: TIMEOUTS, allowPrivate }, signal)
      }
      const answered = await send()
      const isRefused = answered.status === 401 || answered.status === 403
      return jsonOf(isRefused && access?.refused() ? await send() : answered, at)
    }
  }
}

interface Answered {
  status: number
  body: Buffer
}

function exchange(upstream: Upstream, request: UpstreamRequest, signal: AbortSignal): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let status = 0
    const leave = () => asked.abort()
    const over = () => signal.removeEventListener('abort', leave)
    const asked = upstream.send(request, {
      head: answered => {
        status = answered
      },
      data: chunk => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes <= ANSWER_BYTES_MAX) return true
        reject(unavailable(`${request.origin} answered with more than ${ANSWER_BYTES_MAX} bytes.`))
        asked.abort()
        return false
      },
      end: () => {
        over()
        resolve({ status, body: Buffer.concat(chunks) })
      },
      error: failure => {
        over()
        reject(failure)
      }
    })
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  })
}

/** What the service says of a failure may quote what it was sent: the status is all that is told. */
function jsonOf({ status, body }: Answered, { origin }: URL): unknown {
  if (status < 200 || status > 299) throw unavailable(`${origin} answered with status ${status}.`)
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw unavailable(`${origin} answered with something that is no JSON.`)
  }
}

function unavailable(why: string): Failure {
  return new Failure('guard_unavailable', why)
}
