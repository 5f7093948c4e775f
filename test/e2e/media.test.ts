import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { type Answer, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Recorder, startRecorder } from '../support/recorder.ts'
import { isRefusal, notProvoked } from '../support/refusal.ts'
import { simAs } from './clients/providers.ts'

/**
 * A picture that a client names by its address, before a provider that takes bytes alone: the gateway fetches it, never
 * from where it must not, and never for a provider that fetches itself.
 */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==',
  'base64'
)
const SIZE_MAX = 64_000

describe('pictures by address', () => {
  let web: Recorder
  let open: TestGateway
  let closed: TestGateway

  before(async () => {
    web = await startRecorder(({ path }, response) => {
      const [, what, where] = path.split('/').slice(1)
      if (what === 'moved') response.writeHead(302, { location: decodeURIComponent(where!) }).end()
      else if (what === 'gone') response.writeHead(404).end()
      else if (what === 'huge') response.end(Buffer.alloc(SIZE_MAX + 1))
      else response.writeHead(200, { 'content-type': 'image/png' }).end(PNG)
    })
    const providers = ['gemini', 'anthropic-messages'].map(simAs).join('\n')
    open = await startTestGateway({
      bare: true,
      providers,
      yaml: 'media: { size: 64KB, allow_private: ["127.0.0.0/8"] }'
    })
    closed = await startTestGateway({ bare: true, providers })
  })
  after(async () => {
    await Promise.all([open.close(), closed.close()])
    await web.close()
  })

  const at = (path: string) => `${web.baseUrl}/${path}`
  const ask = ({ gateway }: TestGateway, url: string, model = 'gemini/gemini-2.5-pro'): Promise<Answer> =>
    send(`${gateway.url}/v1/chat/completions`, {
      body: {
        model,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what is this?' },
              { type: 'image_url', image_url: { url } }
            ]
          }
        ]
      }
    })

  it('are fetched, once each, and sent as bytes with their type', async () => {
    web.taken()
    open.seen()
    const answer = await ask(open, at('picture'))
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-gatehouse-lost'], undefined)
    const [entry] = open.seen()
    const [{ parts }] = (entry!.body as { contents: [{ parts: JsonObject[] }] }).contents
    assert.deepEqual(parts.at(-1), { inlineData: { mimeType: 'image/png', data: PNG.toString('base64') } })
    const [fetched, ...more] = web.taken()
    assert.deepEqual(more, [])
    assert.equal(fetched!.method, 'GET')
    assert.equal(fetched!.headers.authorization ?? fetched!.headers['x-goog-api-key'], undefined, 'without credentials')
  })

  it('are left to providers that fetch themselves', async () => {
    web.taken()
    const answer = await ask(open, 'https://example.com/picture.png', 'anthropic-messages/claude-sonnet-4-5')
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(web.taken(), [])
  })

  it('are found behind a redirect', async () => {
    const answer = await ask(open, at(`moved/${encodeURIComponent(at('picture'))}`))
    assert.equal(answer.status, 200, answer.text)
  })

  for (const [name, path, why] of [
    ['that are not there', 'gone', /status 404/],
    ['that are larger than they may be', 'huge', /more than 64000 bytes/],
    ['behind a redirect without an end', `moved/${encodeURIComponent('/v1/moved/%252Fv1%252Fmoved%252F')}`, /./]
  ] as const) {
    it(`${name} are a mistake of the call`, async () => {
      open.seen()
      const answer = await ask(open, at(path))
      const { message } = isRefusal(answer, 'media_unreachable')
      assert.match(String(message), why)
      assert.ok(!answer.text.includes(web.baseUrl), 'the address stays out of the error')
      assert.deepEqual(open.seen(), [], 'no provider was asked')
    })
  }

  it('are fetched from no private address, redirects included', async () => {
    web.taken()
    for (const url of [at('picture'), 'http://169.254.169.254/latest/meta-data/', 'http://[::1]:1/x']) {
      isRefusal(await ask(closed, url), 'media_unreachable')
    }
    const answer = await ask(open, at(`moved/${encodeURIComponent('http://10.0.0.1/secret')}`))
    isRefusal(answer, 'media_unreachable')
    assert.equal(web.taken().length, 1, 'only the redirect itself was read')
  })

  it('every code of theirs was brought about', () => {
    assert.deepEqual(notProvoked('media'), [])
  })
})
