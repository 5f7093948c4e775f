import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadConfig } from '../../src/config/index.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { endpoints } from '../../src/endpoints/index.ts'
import { createLog } from '../../src/log.ts'
import { type Gatehouse, startGatehouse } from '../../src/server.ts'
import type { Usage } from '../../src/usage.ts'
import { AT_EASE } from '../../test/support/gateway.ts'
import type { Interaction } from './interactions.ts'

/** What a provider answers, piece by piece. */
export interface Reply {
  status: number
  contentType: string
  pieces: readonly Buffer[]
}

/** One call through the gateway: what its provider was asked, what its client got, and what was written down of it. */
export interface Played {
  asked: { path: string; body: string } | undefined
  status: number
  bytes: Buffer
  usage: Partial<Usage> | undefined
}

interface Row {
  msg: string
  id: string
  usage?: Partial<Usage>
}

const PREFIX = '/v1'

/**
 * The gateway in this process, and behind it one provider for each dialect, which says what was recorded. Calls go one
 * after the other, over real sockets.
 */
export class Stand {
  readonly #gateway: Gatehouse
  readonly #upstream: Server
  readonly #agent = new Agent({ keepAlive: true })
  readonly #rows: Map<string, Row>
  readonly #told: Told

  static async open(dialects: readonly Dialect[], forceCanonical: boolean): Promise<Stand> {
    const told: Told = { reply: undefined, asked: undefined }
    const upstream = createServer((asked, answer) => void answerAsTold(told, asked, answer))
    await new Promise<void>(done => upstream.listen(0, '127.0.0.1', done))
    const rows = new Map<string, Row>()
    const to = {
      write(line: string) {
        const row = JSON.parse(line) as Row
        if (row.msg === 'call') rows.set(row.id, row)
      }
    }
    const text = configFor(dialects, (upstream.address() as AddressInfo).port)
    const load = () => loadConfig({ path: undefined, text, env: {}, readFile: () => '' })
    const first = load()
    const log = createLog({ ...first.config.log, to })
    const gateway = await startGatehouse({
      first,
      load,
      path: undefined,
      env: {},
      log,
      forceCanonical,
      vitals: AT_EASE
    })
    return new Stand(gateway, upstream, rows, told)
  }

  private constructor(gateway: Gatehouse, upstream: Server, rows: Map<string, Row>, told: Told) {
    this.#gateway = gateway
    this.#upstream = upstream
    this.#rows = rows
    this.#told = told
  }

  /** Sends a body to a door, and has the provider behind it answer. */
  async play(door: string, body: string, reply: Reply): Promise<Played> {
    this.#told.reply = reply
    this.#told.asked = undefined
    const { status, headers, bytes } = await this.#send(door, body)
    const row = this.#rows.get(String(headers['x-gatehouse-request-id']))
    return { asked: this.#told.asked, status, bytes, usage: row?.usage }
  }

  #send(door: string, body: string): Promise<{ status: number; headers: IncomingMessage['headers']; bytes: Buffer }> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const options = { method: 'POST', agent: this.#agent, headers }
      const sent = request(this.#gateway.url + PREFIX + door, options, answer => {
        const pieces: Buffer[] = []
        answer.on('data', (piece: Buffer) => pieces.push(piece))
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes: Buffer.concat(pieces) })
        )
        answer.on('error', reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  async close(): Promise<void> {
    this.#agent.destroy()
    await this.#gateway.drain(0)
    this.#upstream.closeAllConnections()
    await new Promise(done => this.#upstream.close(done))
  }
}

interface Told {
  reply: Reply | undefined
  asked: Played['asked']
}

async function answerAsTold(told: Told, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of asked as AsyncIterable<Buffer>) chunks.push(chunk)
  told.asked = { path: asked.url ?? '', body: Buffer.concat(chunks).toString() }
  const { status, contentType, pieces } = told.reply!
  answer.writeHead(status, { 'content-type': contentType })
  for (const piece of pieces) {
    answer.write(piece)
    // A write of its own, so that pieces are not joined.
    await new Promise(setImmediate)
  }
  answer.end()
}

/** Long enough to be in no recorded text by chance. */
const KEY = 'a-credential-of-the-proof'
/** Work between the calls must not look like a gateway that cannot keep up. */
const UNHURRIED = 'overload: { loop_lag: 60s, memory: 99% }'

function configFor(dialects: readonly Dialect[], port: number): string {
  const at = `base_url: "http://127.0.0.1:${port}", keys: [${KEY}], allow_private: ["127.0.0.0/8"]`
  const providers = dialects.map(({ name }) => `  ${name}: { ${at}, dialect: ${name}, auth: bearer }`)
  return `listen: 127.0.0.1:0\nlog: { level: info, format: json }\n${UNHURRIED}\nproviders:\n${providers.join('\n')}\n`
}

/** The model under which the provider of its dialect is asked. */
export function routedModel({ dialect, address }: Interaction): string {
  return `${dialect.name}/${address.model}`
}

/** The path of the door for this call, below the version; undefined where its dialect has none. */
export function doorFor(interaction: Interaction): string | undefined {
  const path = pathOf(interaction, routedModel(interaction))
  const [bare] = path.split('?')
  const isIt = ({ method, path: pattern, dialect }: (typeof DOORS)[number]) =>
    method === 'POST' && pattern.test(PREFIX + bare) && dialect({}, PREFIX + bare).name === interaction.dialect.name
  return DOORS.some(isIt) ? path : undefined
}

const DOORS = Object.values(endpoints)

/** The path that the dialect says this call with. */
export function pathOf({ dialect, asks, address, stream }: Interaction, model: string): string {
  return dialect.path(asks, model, address.stream && (stream?.framing ?? dialect.framing))
}
