import { createHmac } from 'node:crypto'
import type { Plant } from '../build.ts'
import type { Config } from '../config/index.ts'
import type { Tools } from '../guards/guard.ts'

const ANSWER_BYTES_MAX = 1_000_000
const TIMEOUT_MS = 60_000

type World = Pick<Plant, 'clock' | 'upstream' | 'version'>

/** What checks may use of the world: the clock, and outside services behind the guard against private addresses. */
export function guardTools({ webhooks }: Config, { clock, upstream, version }: World): Tools {
  const signatureOf = (body: string, secret: string): string[] => {
    const seconds = Math.floor(clock.wallMs() / 1_000)
    const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
    return ['x-gatehouse-signature', `t=${seconds},v1=${mac}`]
  }
  return {
    wallMs: () => clock.wallMs(),
    post: ({ url, headers, body, signal, allowPrivate, sign }) => {
      const at = new URL(url)
      const given = Object.entries(headers).flat()
      const signature = sign === undefined ? [] : signatureOf(body, sign)
      const named = ['content-type', 'application/json', 'user-agent', `gatehouse/${version}`]
      return new Promise((resolve, reject) => {
        const chunks: Buffer[] = []
        let bytes = 0
        let status = 0
        const leave = () => asked.abort()
        const over = () => signal.removeEventListener('abort', leave)
        const asked = upstream.send(
          {
            origin: at.origin,
            path: at.pathname + at.search,
            method: 'POST',
            headers: [...named, ...given, ...signature],
            body: Buffer.from(body),
            timeouts: { connectMs: TIMEOUT_MS, headMs: TIMEOUT_MS, idleMs: TIMEOUT_MS },
            allowPrivate: allowPrivate ?? webhooks.allowPrivate
          },
          {
            head: answered => {
              status = answered
            },
            data: chunk => {
              bytes += chunk.length
              if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk)
              else asked.abort()
              return true
            },
            end: () => {
              over()
              if (status < 200 || status > 299) reject(new Error(`It answered with status ${status}.`))
              else resolve(parsed(Buffer.concat(chunks), reject))
            },
            error: failure => {
              over()
              reject(failure)
            }
          }
        )
        if (signal.aborted) leave()
        else signal.addEventListener('abort', leave, { once: true })
      })
    }
  }
}

function parsed(bytes: Buffer, reject: (reason: Error) => void): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    reject(new Error('It answered with something that is no JSON.'))
    return undefined
  }
}
