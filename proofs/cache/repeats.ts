import { connect, type Socket } from 'node:net'
import type { JsonObject } from '../../src/json.ts'
import type { Goal } from '../rig/proof.ts'
import { KEYS, Stand, type Who } from './stand.ts'

const YAML = 'routes: { kept: { to: openai/assistant, cache: exact } }'
const TEAMS: readonly Who[] = ['ann', 'cid', 'dee', 'eve']
const CALLS = 400
/** Every so many bytes of a request are changed, in the small run. */
const SMALL_STEP = 9

interface Answer {
  status: number
  id: string | undefined
  cache: string | undefined
  body: string
}

/** The same bytes again and again: answered without being read, and to nobody else and nothing else. */
export async function proveRepeats(reach: (goal: Goal) => void, isQuick: boolean): Promise<void> {
  const stand = await Stand.open(YAML)
  try {
    await proveEach(reach, stand)
    await proveBytes(reach, stand, isQuick ? SMALL_STEP : 1)
  } finally {
    await stand.close()
  }
}

/** Four tenants at once, each on connections of its own, with the same body. */
async function proveEach(reach: (goal: Goal) => void, stand: Stand): Promise<void> {
  stand.asked()
  const all = await Promise.all(TEAMS.map(who => again(stand, requestOf(who, 'for each'), CALLS)))
  const asked = stand.asked()
  const answers = all.flat()
  const rows = await rowsOf(stand, answers)
  const repeats = rows.filter(isRepeat)
  const ids = new Set(answers.map(({ id }) => id))
  const bodies = all.map(some => new Set(some.map(({ body }) => body)).size)
  const isRight =
    asked === TEAMS.length &&
    rows.length === answers.length &&
    ids.size === answers.length &&
    bodies.every(n => n === 1)
  reach({
    name: 'asked again, byte for byte, by four tenants',
    figure: `${answers.length} answers, ${asked} calls upstream, ${rows.length} rows, ${repeats.length} of them not read`,
    goal: `as many rows, ${TEAMS.length} calls, some not read`,
    problem: isRight && repeats.length > 0 ? undefined : `bodies by tenant: ${bodies.join(', ')}`
  })
  const keys = new Map(TEAMS.map((who, at) => [who, new Set(all[at]!.map(({ id }) => id))]))
  const payer = ({ payers }: JsonObject) => (payers as JsonObject).key as Who
  const wrong = rows.filter(row => !keys.get(payer(row))?.has(String(row.id)))
  reach({
    name: 'rows that are another tenant’s',
    figure: `${wrong.length} of ${rows.length}`,
    goal: '0',
    problem: wrong.length === 0 ? undefined : JSON.stringify(wrong[0]).slice(0, 200)
  })
}

/** Each byte of a request that is known changed, on a connection where it is: it must be read. */
async function proveBytes(reach: (goal: Goal) => void, stand: Stand, step: number): Promise<void> {
  const request = Buffer.from(requestOf('ann', 'each byte'))
  let changed = 0
  let known = 0
  const taken: number[] = []
  for (let at = 0; at < request.length; at += step) {
    const line = new Line(stand.test.gateway.port)
    const before = [await line.ask(request), await line.ask(request), await line.ask(request)]
    const other = Buffer.from(request)
    other[at] = other[at]! ^ 1
    const answer = await line.ask(other)
    line.close()
    changed++
    const rows = await rowsOf(stand, [...before, ...(answer ? [answer] : [])])
    const isKnown = rows.some(row => isRepeat(row) && row.id === before[2]?.id)
    if (isKnown) known++
    if (rows.some(row => isRepeat(row) && row.id === answer?.id)) taken.push(at)
  }
  reach({
    name: 'one byte changed, of a request that is known',
    figure: `${taken.length} of ${changed} taken for it (${known} times it was known just before)`,
    goal: '0, and known most times',
    problem: taken.length === 0 && known > changed / 2 ? undefined : `bytes ${taken.slice(0, 10).join(', ')}`
  })
}

function requestOf(who: Who, text: string): string {
  const body = JSON.stringify({ model: 'kept', messages: [{ role: 'user', content: text }] })
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: proof\r\nauthorization: Bearer ${KEYS[who]}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

async function again(stand: Stand, request: string, calls: number): Promise<Answer[]> {
  const line = new Line(stand.test.gateway.port)
  const answers: Answer[] = []
  for (let at = 0; at < calls; at++) answers.push((await line.ask(Buffer.from(request)))!)
  line.close()
  return answers
}

async function rowsOf(stand: Stand, answers: readonly (Answer | undefined)[]): Promise<JsonObject[]> {
  const rows: JsonObject[] = []
  // A list of the last calls is one question; one by one they would be thousands.
  const wanted = new Set(answers.flatMap(answer => answer?.id ?? []))
  for (let before: unknown; rows.length < wanted.size; ) {
    const page = await stand.admin('GET', `/logs?limit=500${before ? `&before=${before}` : ''}`)
    rows.push(...(page.data as JsonObject[]).filter(({ id }) => wanted.has(String(id))))
    before = page.next
    if (before === null) break
  }
  return rows
}

function isRepeat({ details }: JsonObject): boolean {
  return ((details as { cache?: JsonObject } | null)?.cache?.repeats ?? undefined) !== undefined
}

/** A connection that sends exactly the bytes it is given, and reads answers with a length. */
class Line {
  readonly #socket: Socket
  #text = ''
  #isOver = false
  #heard = () => {}

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', piece => {
      this.#text += piece.toString('latin1')
      this.#heard()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#isOver = true
      this.#heard()
    })
  }

  /** Undefined: the connection was closed, or half a request was sent and nothing is to be said of it yet. */
  async ask(request: Buffer): Promise<Answer | undefined> {
    this.#socket.write(request)
    for (let waits = 0; ; waits++) {
      const answer = this.#take()
      if (answer || this.#isOver) return answer
      // A changed length may have the gateway wait for more: it is told that there is none.
      const late = setTimeout(() => this.#socket.end(), waits === 0 ? 2_000 : 0)
      await new Promise<void>(resolve => {
        this.#heard = resolve
      })
      clearTimeout(late)
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(): Answer | undefined {
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd < 0) return undefined
    const head = this.#text.slice(0, headEnd)
    const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]
    const end = headEnd + 4 + Number(header('content-length') ?? 0)
    if (this.#text.length < end) return undefined
    const body = this.#text.slice(headEnd + 4, end)
    this.#text = this.#text.slice(end)
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1])
    return { status, id: header('x-gatehouse-request-id'), cache: header('x-gatehouse-cache'), body }
  }
}
