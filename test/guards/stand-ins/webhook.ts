import { createHmac, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { placesOf, type Request, type StandIn, startStandIn } from './service.ts'

/** A receiver of our own webhooks, as whoever runs one would write it from our documentation. */

const TOLERANCE_S = 300

const asked = z.strictObject({
  side: z.enum(['request', 'response']),
  model: z.string(),
  dialect: z.string(),
  metadata: z.record(z.string(), z.string()),
  session: z.string().optional(),
  passages: z.array(
    z.strictObject({
      path: z.string(),
      role: z.enum(['system', 'user', 'assistant', 'tool']),
      kind: z.enum(['text', 'thinking', 'tool-input', 'tool-result', 'tool-description', 'refusal', 'document']),
      text: z.string()
    })
  )
})

interface Options {
  secret: string
  /** Found wherever they stand. */
  codenames?: readonly string[]
  /** A header that every request must have. */
  header?: readonly [name: string, value: string]
}

export function startWebhook({ secret, codenames = [], header }: Options): Promise<StandIn> {
  return startStandIn({
    answer(request) {
      checkSignature(request, secret)
      if (header && request.headers[header[0]] !== header[1]) throw refusal(401, 'the header is missing')
      const read = asked.safeParse(request.body)
      if (!read.success) throw refusal(422, z.prettifyError(read.error))
      const findings = read.data.passages.flatMap(({ path, text }) =>
        codenames.flatMap(word =>
          [...placesOf(word, text)].map(start => {
            return { rule: 'codename', path, start, end: start + word.length, label: 'CODENAME', reason: 'A codename.' }
          })
        )
      )
      return { findings }
    },
    failure: status => refusal(status, 'not now')
  })
}

function checkSignature({ headers, raw }: Request, secret: string): void {
  const signature = String(headers['x-gatehouse-signature'] ?? '')
  const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? []
  if (seconds === undefined || given === undefined) throw refusal(401, 'there is no signature')
  if (Math.abs(Date.now() / 1_000 - Number(seconds)) > TOLERANCE_S) throw refusal(401, 'the signature is too old')
  const expected = createHmac('sha256', secret).update(`${seconds}.`).update(raw).digest()
  if (!timingSafeEqual(expected, Buffer.from(given, 'hex'))) throw refusal(401, 'the signature is not ours')
}

const refusal = (status: number, error: string) => ({ status, body: { error } })
