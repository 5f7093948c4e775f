import { readFileSync } from 'node:fs'
import path from 'node:path'
import { dialects } from '../../src/dialects/index.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { send } from '../../test/support/client.ts'
import { startTestGateway, type TestGateway } from '../../test/support/gateway.ts'
import { many } from '../rig/evidence.ts'
import type { Goal } from '../rig/proof.ts'
import { startWitness, type Witness } from './witness.ts'

type Reach = (goal: Goal) => void

const AT_ONCE = 8
const FIXTURES = path.resolve(import.meta.dirname, '../../test/fixtures')

interface Asking {
  dialect: keyof typeof dialects
  path: string
  body: JsonObject
  /** Members that shape no answer. */
  unheard: readonly string[]
}

/** The fullest request of a dialect, without what binds it to a moment, and with tools of the caller's own alone. */
function fullest(name: keyof typeof dialects): JsonObject {
  const body = JSON.parse(readFileSync(path.join(FIXTURES, name, 'requests/fullest.json'), 'utf8')) as JsonObject
  const { members } = dialects[name]
  for (const member of members.ofTheMoment) delete body[member]
  if (members.stream) body[members.stream] = false
  delete body.stream_options
  delete body.background
  if (members.model) body[members.model] = `${name}/m`
  body.tools = functionsIn(body.tools)
  return body
}

function functionsIn(tools: Json | undefined): Json[] {
  return (Array.isArray(tools) ? tools : []).filter(tool => {
    if (!isObject(tool)) return false
    if (tool.functionDeclarations) return Object.keys(tool).length === 1
    return tool.type === 'function' || (tool.type === undefined && 'input_schema' in tool)
  })
}

const EMBEDDINGS = {
  model: 'openai-chat/m',
  input: ['a text', 'another'],
  dimensions: 8,
  encoding_format: 'float',
  user: 'ann'
}

function askings(): Asking[] {
  const at = {
    'openai-chat': '/v1/chat/completions',
    'openai-responses': '/v1/responses',
    'anthropic-messages': '/v1/messages',
    gemini: '/v1beta/models/gemini/m:generateContent'
  } as const
  return [
    ...(Object.keys(at) as (keyof typeof at)[]).map(dialect => ({
      dialect,
      path: at[dialect].replace('gemini/m', 'gemini%2Fm'),
      body: fullest(dialect),
      unheard: dialects[dialect].members.unheard
    })),
    {
      dialect: 'openai-chat',
      path: '/v1/embeddings',
      body: EMBEDDINGS,
      unheard: dialects['openai-chat'].members.unheard
    }
  ]
}

/** A body with one thing changed, and where. */
interface Change {
  at: string
  body: JsonObject
}

/** Every leaf changed, every member and element taken out, one added to every object. */
function* changes(body: JsonObject): Generator<Change> {
  const place = (steps: readonly (string | number)[]) => steps.join('.')
  const edited = (steps: readonly (string | number)[], edit: (holder: JsonObject, last: string) => void): Change => {
    const copy = structuredClone(body)
    let holder: Json = copy
    for (const step of steps.slice(0, -1)) holder = (holder as Record<string | number, Json>)[step]!
    edit(holder as JsonObject, steps.at(-1) as string)
    return { at: place(steps), body: copy }
  }
  function* walk(value: Json, steps: readonly (string | number)[]): Generator<Change> {
    if (steps.length > 0)
      yield edited(steps, (holder, last) => {
        if (Array.isArray(holder)) holder.splice(Number(last), 1)
        else delete holder[last]
      })
    if (Array.isArray(value)) {
      for (const [index, element] of value.entries()) yield* walk(element, [...steps, index])
    } else if (isObject(value)) {
      yield edited([...steps, 'a_member_more'], (holder, last) => {
        holder[last] = 1
      })
      for (const [name, member] of Object.entries(value))
        if (member !== undefined) yield* walk(member, [...steps, name])
    } else
      yield edited(steps, (holder, last) => {
        holder[last] = other(value)
      })
  }
  yield* walk(body, [])
}

function other(value: null | boolean | number | string): Json {
  if (typeof value === 'string') return `${value}x`
  if (typeof value === 'number') return value + 1
  return value === null ? 'x' : !value
}

/** No field of any dialect, and no header that goes on, may be changed without another answer. */
export async function proveFields(reach: Reach, share: number): Promise<void> {
  const witness = await startWitness()
  const provider = (name: string) =>
    `  ${name}: { base_url: "${witness.url}${name === 'gemini' ? '/v1beta' : '/v1'}", dialect: ${name}, quirks: {}, keys: [sk-one], allow_private: ["127.0.0.0/8"] }`
  const names = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini']
  // Of a provider that gives embeddings, too.
  const chat = provider('openai-chat').replace('dialect: openai-chat', 'like: openai')
  const gateway = await startTestGateway({
    bare: true,
    providers: [chat, ...names.slice(1).map(provider)].join('\n'),
    yaml: 'cache: { mode: exact }'
  })
  try {
    for (const asking of askings()) await proveOne(asking, gateway, witness, reach, share)
    await proveSpellings(gateway, reach)
  } finally {
    await gateway.close()
    await witness.close()
  }
}

async function proveOne(
  asking: Asking,
  gateway: TestGateway,
  witness: Witness,
  reach: Reach,
  share: number
): Promise<void> {
  const name = asking.path.startsWith('/v1/embeddings') ? 'embeddings' : asking.dialect
  const ask = async (body: JsonObject | string, headers: Record<string, string> = {}) => {
    const answer = await send(gateway.gateway.url + asking.path, {
      body,
      headers: { 'content-type': 'application/json', ...headers }
    })
    return { status: answer.status, cache: answer.headers['x-gatehouse-cache'], text: answer.text }
  }
  const base = await ask(asking.body)
  const again = await ask(asking.body)
  const problem =
    base.status === 200 && again.cache === 'hit' && again.text === base.text
      ? undefined
      : `${base.status} ${again.cache}: ${base.text.slice(0, 200)}`
  reach({
    name: `${name}: the fullest request`,
    figure: `${base.cache}, then ${again.cache}`,
    goal: 'is kept',
    problem
  })
  const wrong: string[] = []
  const missed: string[] = []
  let tried = 0
  let made = 0
  const before = witness.asked()
  const all = [...changes(asking.body)].filter((_, at) => at % Math.max(1, Math.round(1 / share)) === 0)
  const next = all.values()
  const worker = async () => {
    for (const { at, body } of next) {
      const isUnheard = asking.unheard.some(member => at === member || at.startsWith(`${member}.`))
      const { cache, status, text } = await ask(body)
      tried++
      if (status === 200 && cache !== 'hit') made++
      // As a stream the same answer is in other bytes.
      const isStream = at === dialects[asking.dialect].members.stream
      if (cache === 'hit' && !isStream && text !== base.text) wrong.push(`${at}: another answer`)
      if (isUnheard && status === 200 && cache !== 'hit') missed.push(at)
      if (!isUnheard && (cache === 'hit' || cache === 'coalesced')) wrong.push(at)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const asked = witness.asked() - before
  if (asked !== made) wrong.push(`${made} answers that were no hits, ${asked} calls upstream`)
  reach({
    name: `${name}: one field changed, left out or added`,
    figure: `${wrong.length} wrong hits in ${many(tried, 'change')}`,
    goal: '0, and a hit where it shapes no answer',
    problem: wrong[0] ?? missed[0]
  })
  const { requestHeaders } = dialects[asking.dialect]
  const heard: string[] = []
  for (const header of requestHeaders) {
    for (const value of ['one', 'two'])
      if ((await ask(asking.body, { [header]: value })).cache === 'hit') heard.push(`${header}: ${value}`)
  }
  reach({
    name: `${name}: every header that goes on`,
    figure: `${heard.length} wrong hits of ${2 * requestHeaders.length}`,
    goal: '0',
    problem: heard[0]
  })
}

/** What means the same is the same. */
async function proveSpellings(gateway: TestGateway, reach: Reach): Promise<void> {
  const url = `${gateway.gateway.url}/v1/chat/completions`
  const headers = { 'content-type': 'application/json' }
  const spelt = (body: string) => send(url, { body, headers }).then(answer => answer.headers['x-gatehouse-cache'])
  const message = '{"role":"user","content":"spelt"}'
  const words = [
    await spelt(`{"model":"openai-chat/m","messages":[${message}],"seed":9007199254740993}`),
    await spelt(
      `{ "seed": 9007199254740993,\n\t"messages": [ { "content": "spelt", "role": "user" } ], "model": "openai-chat/m" }`
    ),
    await spelt(`{"model":"openai-chat/m","messages":[${message}],"seed":9007199254740992}`),
    await spelt(`{"model":"openai-chat/m","messages":[{"role":"user","content":"spelt","content":"twice"}],"seed":1}`),
    await spelt(`{"model":"openai-chat/m","messages":[{"role":"user","content":"twice","content":"spelt"}],"seed":1}`)
  ]
  reach({
    name: 'order and white space do not count; a digit does, and so does which of two comes first',
    figure: words.join(', '),
    goal: 'miss, hit, miss, miss, miss',
    problem: words.join(', ') === 'miss, hit, miss, miss, miss' ? undefined : 'otherwise'
  })
}
