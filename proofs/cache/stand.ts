import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { type OpenAnswer, open } from '../../test/support/client.ts'
import { startTestGateway, type TestGateway } from '../../test/support/gateway.ts'
import { DOORS, type Door } from '../guards/doors.ts'

export const TOKEN = 'gh_admin_for-this-proof-only'

/** Whose keys there are: two teams, a key without one, and one of another organisation. */
export const KEYS = {
  ann: 'sk-ann-0123456789abcdef',
  bob: 'sk-bob-0123456789abcdef',
  cid: 'sk-cid-0123456789abcdef',
  dee: 'sk-dee-0123456789abcdef',
  eve: 'sk-eve-0123456789abcdef',
  poor: 'sk-poor-0123456789abcdef',
  few: 'sk-few-0123456789abcdef'
} as const
export type Who = keyof typeof KEYS

/** Teams: `red` is Ann's and Bob's, `blue` Cid's; Dee has none; Eve is another organisation's `red`. */
const KEYS_YAML = `
auth: keys
keys:
  - { name: ann, key: ${KEYS.ann}, team: red, user: ann }
  - { name: bob, key: ${KEYS.bob}, team: red, user: bob }
  - { name: cid, key: ${KEYS.cid}, team: blue }
  - { name: dee, key: ${KEYS.dee} }
  - { name: eve, key: ${KEYS.eve}, org: rival, team: rivals }
  - { name: poor, key: ${KEYS.poor}, team: red }
  - { name: few, key: ${KEYS.few}, team: red }
budgets: [{ scope: { key: poor }, limit: { usd: "0.000001" }, window: day }]
rate_limits: [{ scope: { key: few }, requests: "2/minute" }]
prices: [{ provider: openai, model: "*", usd: { input_mtok: 2, output_mtok: 8 } }]
`

export interface Told {
  status: number
  /** What the cache said. */
  cache: string | undefined
  /** The text, as the dialect says it; undefined where it is no answer. */
  text: string | undefined
  bytes: string
  headers: Record<string, string>
}

export interface Call {
  door?: Door
  model?: string
  who?: Who
  stream?: boolean
  headers?: Record<string, string>
  more?: JsonObject
}

/** A gateway with its stores, before the simulated provider, whose log is the second witness. */
export class Stand {
  readonly test: TestGateway
  readonly #directory: string

  private constructor(test: TestGateway, directory: string) {
    this.test = test
    this.#directory = directory
  }

  static async open(yaml: string, options: { isBroken?: boolean; paceMs?: number } = {}): Promise<Stand> {
    const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-proof-cache-'))
    const test = await startTestGateway({
      directory,
      secret: new Secret('a-secret-for-proofs-that-is-long-enough'),
      adminToken: new Secret(TOKEN),
      yaml: KEYS_YAML + yaml,
      paceMs: options.paceMs ?? 0,
      ...(options.isBroken && { breakage: 'tenant' as const })
    })
    return new Stand(test, directory)
  }

  async close(): Promise<void> {
    await this.test.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Requests that the provider saw since this was last asked. */
  asked(): number {
    return this.test.seen().length
  }

  begin(
    text: string,
    { door = DOORS[0]!, model = 'kept', who = 'ann', stream = false, headers = {}, more }: Call = {}
  ): Promise<OpenAnswer> {
    const body = { ...door.body(model, [{ role: 'user', text }], { stream }), ...more }
    const sent = { authorization: `Bearer ${KEYS[who]}`, 'content-type': 'application/json', ...headers }
    return open(this.test.gateway.url + door.path(model, stream), {
      method: 'POST',
      body: JSON.stringify(body),
      headers: sent
    })
  }

  async ask(text: string, call: Call = {}): Promise<Told> {
    const answer = await this.begin(text, call)
    const { door = DOORS[0]!, stream = false } = call
    return told(answer, (await answer.rest()).toString(), door, stream)
  }

  async admin(method: string, at: string, body?: JsonObject): Promise<JsonObject> {
    const answer = await open(`${this.test.gateway.url}/admin${at}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) })
    })
    const text = (await answer.rest()).toString()
    if (answer.status >= 300) throw new Error(`${method} ${at}: ${answer.status} ${text}`)
    return JSON.parse(text) as JsonObject
  }
}

export function told({ status, headers }: OpenAnswer, bytes: string, door: Door, stream: boolean): Told {
  const cache = headers['x-gatehouse-cache']
  return { status, cache, headers, bytes, text: status === 200 ? textOf(bytes, door, stream) : undefined }
}

function textOf(bytes: string, door: Door, stream: boolean): string | undefined {
  if (!stream) return door.whole(JSON.parse(bytes) as JsonObject).text
  const data = bytes
    .split('\n')
    .filter(line => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map(line => JSON.parse(line.slice(6)) as JsonObject)
  // A stream that ends with an error is no answer.
  return data.some(event => 'error' in event || event.type === 'error' || event.type === 'response.failed')
    ? undefined
    : door.streamed(data).text
}
