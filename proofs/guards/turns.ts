import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { readSse } from '../../test/support/dialects.ts'
import type { TestGateway } from '../../test/support/gateway.ts'
import { many } from '../rig/evidence.ts'
import type { Goal } from '../rig/proof.ts'

const TURNS = 5
const NAMES = ['ann', 'bob', 'carl', 'dora', 'eve']
const mailOf = (turn: number) => `${NAMES[turn]}@example.com`

/** One dialect that signs what its models think, and how its client keeps a conversation. */
interface Signing {
  name: string
  path(stream: boolean): string
  body(turns: readonly Json[], stream: boolean): JsonObject
  user(text: string): JsonObject
  /** The turn of the model as its client keeps it, of a whole answer or the events of a stream. */
  kept(answers: readonly JsonObject[], stream: boolean): JsonObject
  /** What the calls of tools in a turn came to; undefined where it has none. */
  results(kept: JsonObject, text: string): JsonObject | undefined
  /** The turns in what the provider was sent. */
  turnsIn(body: JsonObject): Json
}

const blockOf = (event: JsonObject): JsonObject => event.content_block as JsonObject

/** As the official client folds a stream. */
function foldBlocks(events: readonly JsonObject[]): JsonObject[] {
  const blocks: JsonObject[] = []
  for (const event of events) {
    if (event.type === 'content_block_start') blocks[event.index as number] = { ...blockOf(event) }
    if (event.type !== 'content_block_delta') continue
    const block = blocks[event.index as number]!
    const delta = event.delta as Record<string, string>
    for (const name of ['text', 'thinking', 'signature']) {
      if (delta[name] !== undefined) block[name] = `${block[name] ?? ''}${delta[name]}`
    }
  }
  return blocks
}

const ANTHROPIC: Signing = {
  name: 'anthropic-messages',
  path: () => '/v1/messages',
  body: (messages, stream) => ({
    model: 'anthropic-messages/claude-sonnet-4-5',
    max_tokens: 8_000,
    thinking: { type: 'enabled', budget_tokens: 1_024 },
    stream,
    messages: [...messages]
  }),
  user: text => ({ role: 'user', content: text }),
  kept: (answers, stream) => ({ role: 'assistant', content: stream ? foldBlocks(answers) : answers[0]!.content! }),
  results: () => undefined,
  turnsIn: body => body.messages!
}

const partsOf = (chunk: JsonObject): Json[] => {
  const [first] = chunk.candidates as JsonObject[]
  const content = first?.content
  return isObject(content) && Array.isArray(content.parts) ? content.parts : []
}

const GEMINI: Signing = {
  name: 'gemini',
  path: stream =>
    `/v1beta/models/gemini%2Fgemini-2.5-pro:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  body: contents => ({
    contents: [...contents],
    // It signs calls of tools.
    tools: [{ functionDeclarations: [{ name: 'look_up', parametersJsonSchema: { type: 'object', properties: {} } }] }],
    generationConfig: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1_024 } }
  }),
  user: text => ({ role: 'user', parts: [{ text }] }),
  kept: answers => ({ role: 'model', parts: answers.flatMap(partsOf) }),
  results: (kept, text) => {
    const calls = (kept.parts as JsonObject[]).filter(part => isObject(part.functionCall))
    if (calls.length === 0) return undefined
    const name = (calls[0]!.functionCall as JsonObject).name!
    return { role: 'user', parts: [{ functionResponse: { name, response: { output: text } } }] }
  },
  turnsIn: body => body.contents!
}

/** Each dialect, whole and streamed: every turn is taken, nothing given leaves, and what was sent before stays the same bytes. */
export async function replay(test: TestGateway): Promise<Goal[]> {
  const goals: Goal[] = []
  for (const signing of [ANTHROPIC, GEMINI]) {
    for (const stream of [false, true]) goals.push(await replayIn(signing, stream, test))
  }
  return goals
}

async function replayIn(signing: Signing, stream: boolean, test: TestGateway): Promise<Goal> {
  const turns: JsonObject[] = []
  let before = '['
  let taken = 0
  let signatures = 0
  let problem: string | undefined
  const words = (turn: number) => `look_up ${mailOf(turn)}, and ${mailOf(0)} too.`
  turns.push(signing.user(words(0)))
  for (let turn = 0; turn < TURNS && problem === undefined; ) {
    test.seen()
    const response = await fetch(test.gateway.url + signing.path(stream), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(signing.body(turns, stream))
    })
    const text = await response.text()
    const sent = test.seen().map(({ body }) => JSON.stringify(signing.turnsIn(body as JsonObject)))[0] ?? ''
    if (response.status !== 200) problem = `turn ${turn + 1}: status ${response.status} ${text.slice(0, 200)}`
    else if (/@example/.test(sent)) problem = `turn ${turn + 1}: the provider has a value`
    else if (!sent.startsWith(before)) problem = `turn ${turn + 1}: what was sent before is other bytes now`
    else {
      const answers = stream ? readSse([Buffer.from(text)]).map(({ data }) => JSON.parse(data)) : [JSON.parse(text)]
      const kept = signing.kept(answers, stream)
      const said = JSON.stringify(kept)
      const results = signing.results(kept, words(turn))
      if (!results && !said.includes(mailOf(turn)))
        problem = `turn ${turn + 1}: the answer does not have its values back: ${said}`
      signatures += said.match(/"(signature|thoughtSignature)":"[^"]/g)?.length ?? 0
      if (!results) {
        taken++
        turn++
      }
      turns.push(kept, results ?? signing.user(words(Math.min(turn, TURNS - 1))))
      before = sent.slice(0, -1)
    }
  }
  return {
    name: `a signed history of ${many(TURNS, 'turn')} in ${signing.name}, ${stream ? 'streamed' : 'whole'}`,
    figure: `${many(taken, 'turn')} taken, ${many(signatures, 'signature')}`,
    goal: `${TURNS} taken, at least one signature each`,
    problem: problem ?? (signatures < TURNS ? 'too few signatures' : undefined)
  }
}
