import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { loadConfig } from '../../src/config/index.ts'
import type { JsonObject } from '../../src/json.ts'
import { createLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'
import { startGatehouse } from '../../src/server.ts'
import { ANTHROPIC, OPENAI, send } from '../../test/support/client.ts'
import { seeded } from '../../test/support/dialects.ts'
import { AT_EASE } from '../../test/support/gateway.ts'

/** Calls, the configuration that they were made under, and the one that is proposed. */

const TOKEN = 'an-admin-token-for-the-proof-of-simulate'
const SECRET = 'a-secret-for-the-proof-of-simulate-0123456789'
const AT_ONCE = 16
const PROVIDERS = { one: 1, two: 2, three: 4, four: 8, failing: 1 }

export interface ProofCall {
  model: string
  dialect: 'openai' | 'anthropic'
  stream: boolean
  tags: string[]
  customer: string
  session: string
  text: string
}

/** The same list for the same number. */
export function proofCalls(count: number): ProofCall[] {
  const random = seeded(7)
  return Array.from({ length: count }, (_, at) => ({
    model: random() < 0.2 ? 'quick' : random() < 0.03 ? 'retired' : 'chat',
    dialect: random() < 0.2 ? 'anthropic' : 'openai',
    stream: random() < 0.25,
    tags: random() < 0.2 ? ['beta'] : [],
    customer: random() < 0.12 ? 'acme' : `customer-${Math.floor(random() * 40)}`,
    session: `session-${Math.floor((random() * count) / 4)}`,
    text: `call ${at} ${'word '.repeat(Math.floor(random() * 40))}`
  }))
}

/** What the log is made under. */
export const CONFIG_A = `
routes:
  chat: { to: { split: [{ to: one/echo, weight: 60 }, { to: two/echo, weight: 40 }] } }
  quick: { to: { fallback: [failing/503, two/echo] } }
  retired: { to: one/echo }
`

/**
 * What is proposed. Of the calls only so many come to a split that dice decide that a run of the real thing is a quarter
 * of a percent off at most, for one in three; what is sticky goes by its session, in both.
 */
export const CONFIG_B = `
routes:
  chat:
    to:
      when:
        - { if: { tags: beta }, then: three/echo }
        - { if: { stream: true }, then: two/echo }
        - { if: { metadata.customer: acme }, then: { split: [{ to: one/echo, weight: 80 }, { to: three/echo, weight: 20 }] } }
      else:
        split: [{ to: one/echo, weight: 50 }, { to: two/echo, weight: 30 }, { to: four/echo, weight: 20 }]
        sticky_by: header:x-session-id
  quick: { to: { fallback: [failing/503, { when: [{ if: { stream: true }, then: four/echo }], else: one/echo }] } }
`

/** The whole configuration: the simulated provider under all the names, each at its own price. */
export function configOf(simUrl: string, routes: string): string {
  const providers = Object.keys(PROVIDERS).map(
    name =>
      `  ${name}: { endpoints: [{ dialect: openai-chat, base_url: "${simUrl}/v1" }, ` +
      `{ dialect: anthropic-messages, base_url: "${simUrl}/v1" }], keys: [sk-${name}], allow_private: ["127.0.0.0/8"] }`
  )
  const prices = Object.entries(PROVIDERS).map(
    ([name, usd]) => `  - { provider: ${name}, model: "*", usd: { input_mtok: ${usd}, output_mtok: ${usd * 5} } }`
  )
  return `listen: 127.0.0.1:0
auth: open
overload: { loop_lag: 60s, memory: 99% }
providers:
${providers.join('\n')}
prices:
${prices.join('\n')}
${routes}`
}

/** A gateway that keeps what it does, in this process. */
export interface ProofHouse {
  url: string
  admin(method: string, path: string, body?: JsonObject): Promise<JsonObject>
  close(): Promise<void>
}

export async function openHouse(text: string, breakage?: 'conditions'): Promise<ProofHouse> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-simulate-'))
  const load = () => loadConfig({ path: undefined, text, env: {}, readFile: () => '' })
  const gateway = await startGatehouse({
    first: load(),
    load,
    path: undefined,
    env: {},
    log: createLog({ level: 'error', format: 'json', to: { write: () => {} } }),
    forceCanonical: false,
    vitals: AT_EASE,
    adminToken: new Secret(TOKEN),
    secret: new Secret(SECRET),
    directory,
    ...(breakage && { breakage })
  })
  return {
    url: gateway.url,
    async admin(method, at, body) {
      const headers = { authorization: `Bearer ${TOKEN}` }
      const answer = await send(`${gateway.url}/admin${at}`, { method, headers, ...(body && { body }) })
      if (answer.status !== 200) throw new Error(`${method} ${at}: ${answer.status} ${answer.text}`)
      return answer.json()
    },
    async close() {
      await gateway.drain(1_000)
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** Makes the calls, some at once, in their order. */
export async function makeCalls(house: ProofHouse, calls: readonly ProofCall[]): Promise<void> {
  const waiting = calls.values()
  const worker = async () => {
    for (const call of waiting) await makeCall(house, call)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function makeCall({ url }: ProofHouse, call: ProofCall): Promise<void> {
  const { model, stream, tags, customer, session, text } = call
  const door = call.dialect === 'openai' ? OPENAI : ANTHROPIC
  await send(`${url}${door.path}`, {
    body: door.body(model, text, { max_tokens: 200, stream }),
    headers: {
      'x-session-id': session,
      'x-gatehouse-metadata': JSON.stringify({ customer, ...(tags.length > 0 && { tags }) }),
      ...(door === ANTHROPIC && { 'anthropic-version': '2023-06-01' })
    }
  })
}

export interface Shares {
  /** By `provider/model`, or `refused` and `failed`: from 0 to 1, of all calls. */
  of: ReadonlyMap<string, number>
  costUsd: number
}

/** What was simulated, as shares of all calls. */
export function predicted(report: JsonObject): Shares {
  const calls = Number(report.calls)
  const of = new Map<string, number>()
  for (const { target, calls_after } of report.targets as JsonObject[])
    raise(of, String(target), Number(calls_after) / calls)
  for (const row of report.refused as JsonObject[]) raise(of, 'refused', Number(row.calls) / calls)
  raise(of, 'failed', Number(report.failing) / calls)
  return { of: withoutNothing(of), costUsd: Number((report.cost as JsonObject).after_usd) }
}

/** What was, by the rows of requests. */
export async function real(house: ProofHouse): Promise<Shares> {
  const usage = await house.admin('GET', '/usage?of=requests&group_by=provider,model,outcome,code')
  const lines = usage.data as JsonObject[]
  const calls = lines.reduce((sum, line) => sum + Number(line.count), 0)
  const of = new Map<string, number>()
  let costUsd = 0
  for (const { group, count, cost_usd } of lines) {
    const { provider, model, outcome, code } = group as JsonObject
    const name = outcome === 'done' ? `${provider}/${model}` : code === 'unknown_model' ? 'refused' : 'failed'
    raise(of, name, Number(count) / calls)
    costUsd += Number(cost_usd)
  }
  return { of: withoutNothing(of), costUsd }
}

function raise(shares: Map<string, number>, name: string, by: number): void {
  shares.set(name, (shares.get(name) ?? 0) + by)
}

function withoutNothing(shares: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...shares].filter(([, share]) => share > 0))
}
