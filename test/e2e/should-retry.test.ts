import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const messages = [{ role: 'user', content: 'go' }] as const

describe('who may try again', () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway()
  })
  after(() => gateway.close())

  /** What the official SDK, left to its own two retries, makes of a failing model. */
  async function fail(model: string): Promise<{ shouldRetry: string | null; calls: number; status: number }> {
    const from = gateway.lines.length
    const client = new OpenAI({ baseURL: `${gateway.gateway.url}/v1`, apiKey: 'any' })
    const thrown = await client.chat.completions.create({ model, messages: [...messages] }).then(
      () => assert.fail('it answered'),
      error => error as InstanceType<typeof OpenAI.APIError>
    )
    const shouldRetry = thrown.headers?.get('x-should-retry') ?? null
    return { shouldRetry, calls: gateway.lines.length - from, status: thrown.status as number }
  }

  for (const provider of ['openai', 'anthropic']) {
    it(`${provider}: after our own tries the SDK makes none`, async () => {
      const { status, ...rest } = await fail(`${provider}/503`)
      assert.deepEqual(rest, { shouldRetry: 'false', calls: 1 })
      // OpenAI's 503 says that it is overloaded, Anthropic's is an error of its server (D13).
      assert.equal(status, provider === 'openai' ? 529 : 502)
    })
  }

  it('a request that is wrong says nothing of retries', async () => {
    assert.deepEqual(await fail('openai/context-length'), { shouldRetry: null, calls: 1, status: 400 })
  })
})
