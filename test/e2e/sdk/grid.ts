import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { SimLogEntry } from '../../../src/sim/index.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../../support/gateway.ts'
import { connectSdks, type Sdks } from '../../support/sdk.ts'
import { type Answer, ask, type Client, callIds, type Mode, type Request } from './ask.ts'
import { type Body, tokensOf, type View } from './view.ts'

export type ProviderName = 'openai' | 'anthropic' | 'both'

/** One call of the grid: which SDK, before which provider, whole or streamed. */
export interface Cell {
  client: Client
  provider: ProviderName
  mode: Mode
  /** The dialect that the provider hears: the client's own where it can. */
  spoken: Client
  crossing: boolean
}

/** Why a client cannot ask for this at all. */
export interface Impossible {
  impossible: string
}

type Varies<Value> = Value | ((cell: Cell) => Value)

/** The messages that follow the assistant's turn, made of its answer. */
export type NextTurn = Record<Client, (answer: Answer) => object[]>

/**
 * A feature, said in both dialects with the same meaning. Unless told otherwise what crosses must arrive exactly as
 * the other client would have written it: each request is the other's golden.
 */
export interface Scenario {
  name: string
  /** Model by the dialect spoken. */
  model?: Record<Client, string>
  openai: Request | Impossible
  anthropic: Request | Impossible
  next?: NextTurn[]
  /** What the (last) reply says; members that are not listed are not compared. */
  reply: Varies<Partial<View>>
  /** The body that the provider must have got on the first turn after a crossing, where it is not the other's request. */
  crossed?: Partial<Record<Client, Body>>
  /** Losses named for the first turn, beside those of every reply. */
  lost?: Varies<string[]>
  /** More about the last reply and the provider's log of all turns. */
  check?(answer: Answer, entries: SimLogEntry[], cell: Cell): void
}

export const MODELS: Record<Client, string> = { openai: 'gpt-4o', anthropic: 'claude-opus-4-7' }
const CAP_TOKENS = 900
export const FORCED = process.env.FORCE_CANONICAL === '1'

const BOTH = `  both:
    base_url: "SIM/v1"
    endpoints: [{ dialect: anthropic-messages, base_url: "SIM/v1" }]
    keys: [sk-sim-both-credential]
    allow_private: ["127.0.0.0/8"]`

/** A gateway before the sim, known three times: in each dialect alone, and as a provider that speaks both. */
export function startGridGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  return startTestGateway({ ...options, providers: `${BOTH}\n${options.providers ?? ''}` })
}

/** Runs every scenario over the whole grid, and holds each stream against the whole reply of the same call. */
export function runGrid(title: string, scenarios: readonly Scenario[]): void {
  describe(title, () => {
    let gateway: TestGateway
    let sdks: Sdks
    before(async () => {
      gateway = await startGridGateway()
      sdks = connectSdks(gateway.gateway.url)
    })
    after(() => gateway.close())
    for (const scenario of scenarios) {
      describe(titleOf(scenario), () => {
        for (const client of ['openai', 'anthropic'] as const) {
          const request = scenario[client]
          if (isImpossible(request)) continue
          for (const provider of ['openai', 'anthropic', 'both'] as const) {
            it(`${client} client, ${provider} provider`, async () => {
              const whole = await play(scenario, request, cellOf(client, provider, 'whole'), gateway, sdks)
              const stream = await play(scenario, request, cellOf(client, provider, 'stream'), gateway, sdks)
              assert.deepEqual(stream.views, whole.views, 'the stream says what the whole reply says')
            })
          }
        }
      })
    }
  })
}

/** The name, and which client is not there, with the reason: so that the report of a run lists every cell. */
function titleOf(scenario: Scenario): string {
  const reasons = (['openai', 'anthropic'] as const).flatMap(client => {
    const request = scenario[client]
    return isImpossible(request) ? [` (no ${client} client: ${request.impossible})`] : []
  })
  return scenario.name + reasons.join('')
}

function isImpossible(request: Request | Impossible): request is Impossible {
  return 'impossible' in request
}

function cellOf(client: Client, provider: ProviderName, mode: Mode): Cell {
  const spoken = provider === 'both' ? client : provider
  return { client, provider, mode, spoken, crossing: spoken !== client }
}

async function play(
  scenario: Scenario,
  request: Request,
  cell: Cell,
  gateway: TestGateway,
  sdks: Sdks
): Promise<Answer> {
  gateway.seen()
  const ids: string[] = []
  let asked: Request = { ...capOf(cell.client), ...request, model: modelFor(scenario, cell) }
  let answer = await ask(sdks, cell.client, cell.mode, asked)
  const entries = gateway.seen()
  checkAnswer(answer, entries, scenario, cell, asked)
  checkLosses(answer, gateway.lines.at(-1)!, scenario, cell)
  checkFirstRequest(entries.at(-1)!, scenario, cell)
  for (const turn of scenario.next ?? []) {
    ids.push(...callIds(answer))
    asked = { ...asked, messages: [...asked.messages, answer.turn, ...turn[cell.client](answer)] }
    answer = await ask(sdks, cell.client, cell.mode, asked)
    entries.push(...gateway.seen())
    checkAnswer(answer, entries.slice(-1), scenario, cell, asked)
  }
  for (const view of answer.views) view.text = numbered(view.text, ids)
  const { reply } = scenario
  const expected = typeof reply === 'function' ? reply(cell) : reply
  assert.deepEqual(pick(answer.view, expected), expected)
  scenario.check?.(answer, entries, cell)
  return answer
}

/** Ids of calls as `#1`, `#2`, … over the conversation: two runs then read alike, and who names which still shows. */
function numbered(text: string, ids: readonly string[]): string {
  return ids.reduce((known, id, index) => known.replaceAll(id, `#${index + 1}`), text)
}

function capOf(client: Client): Body {
  return client === 'openai' ? { max_completion_tokens: CAP_TOKENS } : { max_tokens: CAP_TOKENS }
}

function modelFor(scenario: Scenario, { provider, spoken }: Cell): string {
  const model = (scenario.model ?? MODELS)[spoken]
  // A name of a family finds its provider alone; the sim's own names belong to nobody.
  const isBare = provider !== 'both' && /^(?:gpt|claude)-/.test(model)
  return isBare ? model : `${provider}/${model}`
}

function pick(view: View, like: Partial<View>): Partial<View> {
  return Object.fromEntries(Object.keys(like).map(name => [name, view[name as keyof View]]))
}

/** What holds for every reply, whatever was asked. */
function checkAnswer(answer: Answer, entries: SimLogEntry[], scenario: Scenario, cell: Cell, asked: Request): void {
  const { exchange, requestId } = answer
  const told = (name: string) => exchange.headers.get(`x-gatehouse-${name}`)
  const id = told('request-id')
  assert.match(id ?? '', /^[\w-]{16,}$/)
  if (cell.mode === 'whole') assert.equal(requestId, id, 'the SDK finds our request id where it looks for one')
  assert.equal(told('attempts'), String(entries.length))
  assert.equal(entries.length, 1)
  assert.equal(told('provider'), cell.provider)
  assert.equal(told('model'), (scenario.model ?? MODELS)[cell.spoken])
  assert.equal(told('fallback'), '0')
  assert.match(told('overhead-ms') ?? '', /^\d+\.\d\d$/)
  assert.equal(told('simulated'), null)
  checkEntry(entries[0]!, answer, cell, asked)
}

/** Members of every reply of the sim for which the other dialect has no word. */
const ALWAYS_LOST =
  /^(?:system_fingerprint|usage\.inference_geo|.*\.caller|choices\[0\]\.stop_details|usage\.\w+_prediction_tokens)$/

/**
 * The log has every loss of the call. A whole reply shows them all in its head; a stream's head goes out before the
 * losses of the reply itself are met.
 */
function checkLosses({ exchange }: Answer, line: Record<string, unknown>, scenario: Scenario, cell: Cell): void {
  const { lost = [] } = scenario
  const named = line.losses as string[]
  const shown = exchange.headers.get('x-gatehouse-lost')?.split(', ') ?? []
  assert.equal(line.id, exchange.headers.get('x-gatehouse-request-id'))
  assert.deepEqual(
    named.filter(name => !ALWAYS_LOST.test(name)),
    typeof lost === 'function' ? lost(cell) : lost
  )
  assert.deepEqual(shown, cell.mode === 'whole' ? named : named.slice(0, shown.length))
}

/** The second witness: what the provider got, and what it counted. */
function checkEntry(entry: SimLogEntry, answer: Answer, cell: Cell, asked: Request): void {
  assert.equal(entry.dialect, cell.spoken === 'openai' ? 'openai-chat' : 'anthropic-messages')
  assert.equal(entry.path, cell.spoken === 'openai' ? '/v1/chat/completions' : '/v1/messages')
  assert.equal(entry.status, 200)
  assert.equal(entry.finish, 'ended')
  assert.equal(entry.stream, cell.mode === 'stream')
  assert.equal(entry.usageSent, true)
  const tokens = tokensOf(entry.usage)
  assert.deepEqual(answer.tokens, tokens, "the usage is the provider's own")
  checkHeaders(entry.headers, cell)
  if (!cell.crossing && !FORCED) {
    const sent = answer.exchange.sent.replace(`"model":"${asked.model}"`, `"model":"${entry.model}"`)
    assert.equal(createHash('sha256').update(sent).digest('hex'), entry.bodySha256, 'byte for byte the client’s own')
  }
}

const OURS = new Set([
  ...['accept', 'accept-encoding', 'connection', 'content-length', 'content-type', 'host', 'user-agent'],
  'x-client-request-id'
])

/** Nothing of the client's connection reaches the provider: not its key, not its SDK, nothing of the gateway's own. */
function checkHeaders(headers: Record<string, string>, { spoken }: Cell): void {
  const wanted = spoken === 'openai' ? ['authorization'] : ['anthropic-version', 'x-api-key']
  const others = Object.keys(headers).filter(name => !OURS.has(name))
  assert.deepEqual(others.sort(), wanted)
  assert.match(headers[wanted.at(-1)!]!, /…tial$/, "the gateway's credential, not the client's")
  assert.match(headers['user-agent']!, /^gatehouse\//)
}

function checkFirstRequest(entry: SimLogEntry, scenario: Scenario, cell: Cell): void {
  const { model: _, stream: __, stream_options: options, ...body } = entry.body as Body
  if (cell.spoken === 'openai') {
    assert.deepEqual(options, cell.mode === 'stream' ? { include_usage: true } : undefined)
  }
  const { spoken, client } = cell
  const other = scenario[spoken]
  const golden = cell.crossing ? (scenario.crossed?.[spoken] ?? other) : scenario[client]
  if ('impossible' in golden) throw new Error(`${scenario.name}: \`crossed.${spoken}\` must say what arrives`)
  const { model: ___, ...expected } = { ...capOf(spoken), ...golden } as Body
  // As JSON: a member that is undefined is not sent.
  assert.deepEqual(body, JSON.parse(JSON.stringify(expected)))
}
