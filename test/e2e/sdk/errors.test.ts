import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { TestGateway } from '../../support/gateway.ts'
import { connectSdks, type Sdks } from '../../support/sdk.ts'
import { ask, type Client, type Request } from './ask.ts'
import { FORCED, startGridGateway } from './grid.ts'
import type { Body } from './view.ts'

type ApiError = InstanceType<typeof OpenAI.APIError> | InstanceType<typeof Anthropic.APIError>

const CLIENTS = ['openai', 'anthropic'] as const
const MODES = ['whole', 'stream'] as const
const hello = [{ role: 'user', content: 'hello' }]

/** The SDK's class for a status, by its documented name. */
const CLASSES: Record<Client, Record<number, unknown>> = {
  openai: {
    400: OpenAI.BadRequestError,
    401: OpenAI.AuthenticationError,
    404: OpenAI.NotFoundError,
    429: OpenAI.RateLimitError,
    500: OpenAI.InternalServerError
  },
  anthropic: {
    400: Anthropic.BadRequestError,
    401: Anthropic.AuthenticationError,
    404: Anthropic.NotFoundError,
    429: Anthropic.RateLimitError,
    500: Anthropic.InternalServerError
  }
}

const requestFor = (client: Client, model: string, more: Body = {}): Request => ({
  ...(client === 'anthropic' && { max_tokens: 500 }),
  model,
  messages: hello,
  ...more
})

async function errorOf(call: Promise<unknown>): Promise<ApiError> {
  const thrown = await call.then(
    () => assert.fail('an answer came where an error should'),
    (error: unknown) => error
  )
  assert.ok(thrown instanceof OpenAI.APIError || thrown instanceof Anthropic.APIError, String(thrown))
  return thrown
}

/** The `error` object of either dialect's body: OpenAI's SDK unwraps it, Anthropic's does not. */
function innerOf(client: Client, { error }: ApiError): Body {
  const body = error as Body
  return client === 'openai' ? body : (body.error as Body)
}

/** What every error says, whoever met it. */
function checkError(client: Client, error: ApiError, status: number): void {
  assert.equal(error.status, status)
  assert.ok(error instanceof (CLASSES[client][Math.min(status, 500)] as typeof Error), error.constructor.name)
  assert.match(error.headers?.get('x-gatehouse-request-id') ?? '', /^[\w-]{16,}$/)
  assert.equal(error.requestID, error.headers?.get('x-gatehouse-request-id'))
  assert.equal(typeof innerOf(client, error).message, 'string')
}

interface Case {
  /** A behaviour of the sim, or any model. */
  model: string
  status: number
  /** Our code, where the words are ours. */
  code: string
  attempts: number
  retryAfter?: string
  /** Errors about the client's own request keep the provider's words in the provider's own dialect. */
  native?: boolean
  only?: Client
}

const CASES: Case[] = [
  { model: 'context-length', status: 400, code: 'context_too_long', attempts: 1, native: true },
  { model: 'content-filter', status: 400, code: 'content_filtered', attempts: 1, native: true },
  { model: '429', status: 429, code: 'provider_rate_limited', attempts: 2 },
  { model: '429-retry-after-31', status: 429, code: 'provider_rate_limited', attempts: 1, retryAfter: '31' },
  { model: 'retry-after-1e9', status: 429, code: 'provider_rate_limited', attempts: 1, retryAfter: '60' },
  { model: '529', status: 529, code: 'provider_overloaded', attempts: 2 },
  { model: 'overloaded-error', status: 529, code: 'provider_overloaded', attempts: 2 },
  { model: 'bad-key', status: 502, code: 'provider_refused_us', attempts: 1 },
  { model: 'spend-limit', status: 502, code: 'provider_refused_us', attempts: 1 },
  { model: 'no-such-model', status: 502, code: 'provider_refused_us', attempts: 1 },
  { model: 'reset', status: 502, code: 'provider_unreachable', attempts: 2 },
  { model: 'error-200-first-event', status: 529, code: 'provider_overloaded', attempts: 2, only: 'anthropic' },
  { model: 'error-200-first-event', status: 502, code: 'provider_error', attempts: 2, only: 'openai' }
]

describe('errors that a provider answers', () => {
  let gateway: TestGateway
  let sdks: Sdks
  let direct: Sdks
  before(async () => {
    gateway = await startGridGateway()
    sdks = connectSdks(gateway.gateway.url)
    direct = connectSdks(gateway.sim.url)
  })
  after(() => gateway.close())

  for (const { model, status, code, attempts, retryAfter, native, only } of CASES) {
    for (const provider of only ? [only] : CLIENTS) {
      it(`${provider}/${model}: ${status} ${code}`, async () => {
        gateway.seen()
        const cells = CLIENTS.flatMap(client => MODES.map(mode => ({ client, mode })))
        // Together, because most of them wait before their second attempt.
        const check = async ({ client, mode }: (typeof cells)[number]) => {
          const sdks = connectSdks(gateway.gateway.url)
          const error = await errorOf(ask(sdks, client, mode, requestFor(client, `${provider}/${model}`)))
          checkError(client, error, status)
          assert.equal(error.headers?.get('x-gatehouse-attempts'), String(attempts))
          assert.equal(error.headers?.get('x-gatehouse-provider'), provider)
          assert.equal(error.headers?.get('retry-after') ?? undefined, retryAfter)
          if (!(native && client === provider)) assert.equal(innerOf(client, error).code, code)
          assert.doesNotMatch(JSON.stringify(error.error), /sk-sim|org-sim/)
        }
        await Promise.all(cells.map(check))
        assert.equal(gateway.seen().length, attempts * cells.length)
      })
    }
  }

  it('a refused key is ours to mend: where it came from, and never more of it than its end', async () => {
    for (const client of CLIENTS) {
      const error = await errorOf(ask(sdks, client, 'whole', requestFor(client, 'openai/bad-key')))
      assert.match(String(innerOf(client, error).message), /providers\.openai\.keys\[0\] \(…tial\)/)
    }
  })

  it('a refusal of the client’s own request passes byte for byte in its dialect', async () => {
    const bad: [Client, Body][] = [
      ['openai', { temperature: 9 }],
      ['openai', { nonsense: true }],
      ['openai', { messages: [] }],
      ['anthropic', { max_tokens: 0 }],
      ['anthropic', { nonsense: true }],
      ['anthropic', { messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }]
    ]
    for (const [client, more] of bad) {
      for (const mode of MODES) {
        const model = client === 'openai' ? 'gpt-4o' : 'claude-opus-4-7'
        const request = requestFor(client, model, more)
        const error = await errorOf(ask(sdks, client, mode, request))
        const [through] = sdks.exchanges()
        const straight = await errorOf(ask(direct, client, mode, request))
        const [beside] = direct.exchanges()
        checkError(client, error, 400)
        assert.equal(straight.status, 400)
        const [ours, theirs] = [await through!.received, await beside!.received]
        const withoutId = (body: string) => body.replace(/"request_id":"req_\w+"/, '')
        if (!FORCED) assert.equal(withoutId(ours), withoutId(theirs))
        assert.equal(innerOf(client, error).message, innerOf(client, straight).message)
      }
    }
  })

  it('a refusal of a crossed request keeps the words, in the dialect of the client', async () => {
    const crossings: [Client, string, Body, RegExp][] = [
      ['openai', 'claude-opus-4-5', { temperature: -1 }, /^temperature: Input should be greater/],
      ['anthropic', 'gpt-4o', { temperature: 9 }, /^Invalid 'temperature': decimal above maximum/]
    ]
    for (const [client, model, more, words] of crossings) {
      const error = await errorOf(ask(sdks, client, 'whole', requestFor(client, model, more)))
      checkError(client, error, 400)
      assert.equal(innerOf(client, error).code, 'provider_bad_request')
      assert.match(String(innerOf(client, error).message), words)
    }
  })

  it('500-once: the second attempt answers, and the headers say so', async () => {
    gateway.seen()
    const cells = CLIENTS.flatMap(client =>
      CLIENTS.flatMap(provider =>
        MODES.map(mode => ({ client, provider, mode, words: `${client} ${provider} ${mode}` }))
      )
    )
    const check = async ({ client, provider, mode, words }: (typeof cells)[number]) => {
      const request = requestFor(client, `${provider}/500-once`, { messages: [{ role: 'user', content: words }] })
      const answer = await ask(connectSdks(gateway.gateway.url), client, mode, request)
      assert.equal(answer.view.text, `You said: ${words}`)
      assert.equal(answer.exchange.headers.get('x-gatehouse-attempts'), '2')
    }
    await Promise.all(cells.map(check))
    const statuses = gateway.seen().map(entry => entry.status)
    assert.deepEqual(statuses.sort(), [...cells.map(() => 200), ...cells.map(() => 500)])
  })

  for (const model of ['error-in-stream', 'cut-after-3', 'garbled-event', 'eof-without-finish']) {
    it(`${model}: what came before is kept, and the SDK raises`, async () => {
      for (const client of CLIENTS) {
        for (const provider of CLIENTS) {
          const request = requestFor(client, `${provider}/${model}`, {
            messages: [{ role: 'user', content: 'one two three four five six seven' }]
          })
          const got = { text: '' }
          const error = await errorOf(readStream(sdks, client, request, got))
          assert.match(got.text, /^You said:/)
          assert.match(String(innerOf(client, error).code), /^provider_(?:overloaded|error|truncated|malformed)$/)
          const line = gateway.lines.at(-1)!
          assert.equal(line.outcome, 'failed')
          assert.equal(line.finish, undefined, 'a failure is never a natural end')
        }
      }
    })
  }

  it('a missing end marker is no error: the answer was complete', async () => {
    for (const client of CLIENTS) {
      for (const provider of CLIENTS) {
        const answer = await ask(sdks, client, 'stream', requestFor(client, `${provider}/no-end-marker`))
        assert.equal(answer.view.text, 'You said: hello')
      }
    }
  })
})

async function readStream(sdks: Sdks, client: Client, request: Request, got: { text: string }): Promise<void> {
  if (client === 'openai') {
    const body = { ...request, stream: true } as unknown as OpenAI.ChatCompletionCreateParamsStreaming
    for await (const { choices } of await sdks.openai.chat.completions.create(body)) {
      got.text += choices[0]?.delta.content ?? ''
    }
    return
  }
  const body = { ...request, stream: true } as unknown as Anthropic.MessageCreateParamsStreaming
  for await (const event of await sdks.anthropic.messages.create(body)) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') got.text += event.delta.text
  }
}

describe('errors of the gateway itself', () => {
  const key = 'gh-test-key-of-one-client'
  let open: TestGateway
  let keyed: TestGateway
  before(async () => {
    open = await startGridGateway()
    keyed = await startGridGateway({ yaml: `auth: keys\nkeys: [{ name: one, key: "${key}" }]` })
  })
  after(async () => {
    await open.close()
    await keyed.close()
  })

  for (const client of CLIENTS) {
    it(`${client}: an unknown model is a 404 that says why and names near ones`, async () => {
      const sdks = connectSdks(open.gateway.url)
      for (const mode of MODES) {
        const error = await errorOf(ask(sdks, client, mode, requestFor(client, 'gemini-2.5-pro')))
        checkError(client, error, 404)
        assert.equal(innerOf(client, error).code, 'unknown_model')
        assert.match(String(innerOf(client, error).message), /GEMINI_API_KEY/)
        assert.deepEqual(open.seen(), [])
      }
    })

    it(`${client}: a member of the wrong type is a 400 with its path`, async () => {
      const sdks = connectSdks(open.gateway.url)
      const error = await errorOf(ask(sdks, client, 'whole', requestFor(client, 'gpt-4o', { messages: 'hello' })))
      checkError(client, error, 400)
      assert.deepEqual([innerOf(client, error).code, innerOf(client, error).param], ['wrong_type', 'messages'])
      assert.deepEqual(open.seen(), [])
    })

    it(`${client}: keys are asked for, and checked`, async () => {
      const wrong = connectSdks(keyed.gateway.url, 'not-a-key-of-ours')
      const model = 'gpt-4o'
      const refused = await errorOf(ask(wrong, client, 'whole', requestFor(client, model)))
      checkError(client, refused, 401)
      assert.equal(innerOf(client, refused).code, 'invalid_key')
      const anonymous = connectSdks(keyed.gateway.url)
      const dropped = { headers: { authorization: null, 'x-api-key': null } }
      const call: Promise<unknown> =
        client === 'openai'
          ? anonymous.openai.chat.completions.create({ model, messages: [] }, dropped)
          : anonymous.anthropic.messages.create({ model, max_tokens: 9, messages: [] }, dropped)
      const missing = await errorOf(call)
      checkError(client, missing, 401)
      assert.equal(innerOf(client, missing).code, 'missing_key')
      assert.deepEqual(keyed.seen(), [])
      const right = connectSdks(keyed.gateway.url, key)
      const answer = await ask(right, client, 'whole', requestFor(client, model))
      assert.equal(answer.view.text, 'You said: hello')
      const [entry] = keyed.seen()
      assert.match(entry!.headers.authorization ?? '', /…tial$/)
      assert.equal(keyed.lines.at(-1)!.key, 'one')
    })
  }
})
