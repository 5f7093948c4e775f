import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'
import type { Client } from './ask.ts'
import { startGridGateway } from './grid.ts'

/** Far more than anybody waits for: the call can only end because the client left. */
const SLOW = '[[sim:words=2000 pace=20]]'
const messages = [{ role: 'user' as const, content: SLOW }]

describe('a client that leaves', () => {
  let gateway: TestGateway
  let clients: { openai: OpenAI; anthropic: Anthropic }
  before(async () => {
    gateway = await startGridGateway()
    const options = { apiKey: 'sk-client', maxRetries: 0 }
    clients = {
      openai: new OpenAI({ ...options, baseURL: `${gateway.gateway.url}/v1` }),
      anthropic: new Anthropic({ ...options, baseURL: gateway.gateway.url })
    }
  })
  after(() => gateway.close())

  /** The provider saw the client leave, nothing was sent after it, and nothing is left open. */
  async function checkLeft(): Promise<void> {
    await until(() => gateway.sim.log().at(-1)?.finish !== 'open', 'the provider hears that the client left')
    const entry = gateway.sim.log().at(-1)
    assert.equal(entry!.finish, 'aborted-by-client')
    assert.equal(entry!.bytesAfterClientClose, 0)
    await until(() => gateway.gateway.open.calls === 0, 'the gateway lets the call go')
    await until(() => gateway.lines.at(-1)?.outcome === 'aborted', 'the log says that the client left')
    assert.equal(gateway.lines.at(-1)!.status, 499)
  }

  for (const provider of ['openai', 'anthropic', 'both']) {
    for (const leave of ['abort', 'break'] as const) {
      it(`openai client, ${provider} provider: ${leave} in the middle of a stream`, async () => {
        const body = { model: `${provider}/assistant`, messages, stream: true as const }
        const stream = await clients.openai.chat.completions.create(body)
        let chunks = 0
        for await (const _ of stream) {
          if (++chunks < 3) continue
          if (leave === 'break') break
          stream.controller.abort()
        }
        assert.ok(chunks >= 3)
        await checkLeft()
      })

      it(`anthropic client, ${provider} provider: ${leave} in the middle of a stream`, async () => {
        const body = { model: `${provider}/assistant`, max_tokens: 9_000, messages, stream: true as const }
        const stream = await clients.anthropic.messages.create(body)
        let events = 0
        for await (const _ of stream) {
          if (++events < 5) continue
          if (leave === 'break') break
          stream.controller.abort()
        }
        assert.ok(events >= 5)
        await checkLeft()
      })
    }

    it(`${provider} provider: a whole call is given up`, async () => {
      const calls: Record<Client, (signal: AbortSignal) => Promise<unknown>> = {
        openai: signal => clients.openai.chat.completions.create({ model: `${provider}/silent`, messages }, { signal }),
        anthropic: signal =>
          clients.anthropic.messages.create({ model: `${provider}/silent`, max_tokens: 9, messages }, { signal })
      }
      const errors = { openai: OpenAI.APIUserAbortError, anthropic: Anthropic.APIUserAbortError }
      for (const client of ['openai', 'anthropic'] as const) {
        const controller = new AbortController()
        const call = assert.rejects(calls[client](controller.signal), errors[client])
        const before = gateway.sim.log().length
        await until(() => gateway.sim.log().length > before, 'the provider has the call')
        controller.abort()
        await call
        await checkLeft()
      }
    })
  }
})
