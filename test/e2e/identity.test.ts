import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { ANTHROPIC, DOORS, type Door, type Given, OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Recorder, startRecorder } from '../support/recorder.ts'

/** The canonical form says the same in its own bytes: these tests are about staying in the client's. */
const canonical = process.env.FORCE_CANONICAL === '1' && 'bytes are only kept where the dialect is not left'

let recorder: Recorder
let gateway: TestGateway
/** What the provider answers next: its headers, and its body piece by piece. */
let reply: { headers: Record<string, string | string[]>; pieces: (string | Buffer)[] }

before(async () => {
  recorder = await startRecorder(async (_, response) => {
    response.writeHead(200, reply.headers)
    for (const piece of reply.pieces) await flushed(response, piece)
    response.end()
  })
  const at = `base_url: "${recorder.baseUrl}", keys: [sk-provider-credential], allow_private: ["127.0.0.0/8"]`
  gateway = await startTestGateway({ bare: true, providers: `  openai: { ${at} }\n  anthropic: { ${at} }` })
})

after(async () => {
  await gateway.close()
  await recorder.close()
})

/** Each piece is a write of its own, so that pieces are not joined. */
async function flushed(response: ServerResponse, piece: string | Buffer): Promise<void> {
  if (!response.write(piece)) await once(response, 'drain')
  await new Promise(setImmediate)
}

const WHOLE: Record<Door['name'], string> = {
  'openai-chat':
    '{ "id":"c1","object" : "chat.completion","created":1.0e9,"model":"m","choices":[{"index":0,"finish_reason":"stop",' +
    '"message":{"role":"assistant","content":"h\\u00e9\\/llo","new_member":[ ]},"logprobs":null}],\n' +
    '\t"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2},"big":123456789012345678901234567890}\n',
  'anthropic-messages':
    '{ "id":"m1","type" : "message","role":"assistant","model":"m","content":[{"type":"text","text":"h\\u00e9\\/llo",' +
    '"new_member":[ ]}],"stop_reason":"end_turn","stop_sequence":null,\n' +
    '\t"usage":{"input_tokens":1,"output_tokens":1},"big":123456789012345678901234567890}\n'
}

/** Events in odd dress: white space, escapes, CR LF, comments, several data lines, members nobody knows. */
const STREAM: Record<Door['name'], string[]> = {
  'openai-chat': [
    'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
    'data:{"id":"c1", "choices" : [ {"index":0,"delta":{"content":"h\\u00e9"}} ],"big":12345678901234567890}\n\n',
    ': a comment of the provider\n\n',
    'data: {"id":"c1","choices":[{"index":0,"delta":{"content":" llo\\/","new":{"a":[]}}}]}\r\n\r\n',
    'id: 7\ndata: {"id":"c1","choices":[{"index":0,\ndata: "delta":{"content":"!"}}]}\n\n',
    'data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    'data: [DONE]\n\n'
  ],
  'anthropic-messages': [
    'event: message_start\ndata: {"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1},"new":1e400}}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    'event: ping\ndata: {"type": "ping"}\n\n',
    'event:content_block_delta\ndata:{"type" : "content_block_delta","index":0,"delta":{"type":"text_delta","text":"h\\u00e9"}}\n\n',
    ': a comment of the provider\n\n',
    'event: content_block_delta\r\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" llo"}}\r\n\r\n',
    'event: something_new\ndata: {"type":"something_new","a":[ ]}\n\n',
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
  ]
}

const USAGE = 'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n'

const whole = (door: Door) => {
  reply = { headers: { 'content-type': 'application/json' }, pieces: [WHOLE[door.name]] }
}
const streamed = (pieces: (string | Buffer)[]) => {
  reply = { headers: { 'content-type': 'text/event-stream' }, pieces }
}

/** One request in five spellings; each has `MODEL` where the model's name belongs, with its quotes. */
function spellings(door: Door): string[] {
  const value = door.body('MODEL', 'Grüße "you" / 1', {
    max_tokens: 10,
    unknown: { deep: [1, { x: null }] },
    metadata: { user_id: 'u' }
  })
  const compact = JSON.stringify(value)
  return [
    compact,
    JSON.stringify(value, undefined, 4),
    compact
      .replace(
        /[^\x20-\x7e]/g,
        character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`
      )
      .replaceAll('/', '\\/')
      .replace('"messages"', '"\\u006dessages"')
      .replace('"unknown"', '"\\u0075nknown"'),
    `\r\n\t ${compact.replaceAll(',', ' ,\t\r\n').replaceAll('":', '" \t:\n ')} \n\n`,
    compact.replace(
      '"unknown":{',
      '"unknown":{"a":12345678901234567890,"b":1.0,"c":1E+400,"d":-0.0,"e":1e-7,"f":0.1000000000000000055511151231257827,'
    )
  ].map(text => text.replace('"MODEL"', 'MODEL'))
}

async function arrived(door: Door, body: string, headers: Given = {}): Promise<string> {
  recorder.taken()
  const answer = await send(gateway.gateway.url + door.path, { body, headers })
  assert.equal(answer.status, 200, answer.text)
  const [request, ...more] = recorder.taken()
  assert.equal(more.length, 0)
  return request!.body.toString()
}

for (const door of DOORS) {
  test(`${door.name}: a request arrives byte for byte; of all of it only the model's name is changed`, {
    skip: canonical
  }, async () => {
    whole(door)
    for (const text of spellings(door)) {
      // The provider's own name for the model: nothing is touched at all.
      const own = text.replace('MODEL', '"some-model-of-theirs"')
      assert.equal(await arrived(door, own), own)
      const named = text.replace('MODEL', `"${door.provider}/some-model"`)
      assert.equal(await arrived(door, named), text.replace('MODEL', '"some-model"'))
      const escaped = text.replace('MODEL', `"${door.provider}\\u002fsome\\u002dmodel"`)
      assert.equal(await arrived(door, escaped), text.replace('MODEL', '"some-model"'))
    }
  })

  test(`${door.name}: a whole reply comes back byte for byte`, { skip: canonical }, async () => {
    whole(door)
    const answer = await send(gateway.gateway.url + door.path, { body: door.body(`${door.provider}/m`, 'hi') })
    assert.equal(answer.text, WHOLE[door.name])
    assert.equal(answer.headers['x-gatehouse-lost'], undefined)
  })

  test(`${door.name}: a stream comes back byte for byte, however it was cut`, { skip: canonical }, async () => {
    const events = STREAM[door.name]
    const all = Buffer.from(events.join(''))
    const cuts: Buffer[][] = [
      events.map(event => Buffer.from(event)),
      [all],
      Array.from({ length: Math.ceil(all.length / 7) }, (_, n) => all.subarray(n * 7, n * 7 + 7))
    ]
    for (const pieces of cuts) {
      streamed(pieces)
      const answer = await send(gateway.gateway.url + door.path, {
        body: door.body(`${door.provider}/m`, 'hi', { stream: true })
      })
      assert.equal(answer.text, all.toString())
    }
  })
}

test('openai-chat: usage is asked for on our behalf by one insertion, and what it brings is kept from the client', {
  skip: canonical
}, async () => {
  const events = STREAM['openai-chat']
  const pieces = [...events.slice(0, -1), USAGE, ...events.slice(-1)]
  streamed(pieces)
  for (const text of spellings(OPENAI)) {
    const sent = text.replace('MODEL', '"some-model"').replace(/\}(\s*)$/, ',"stream" : true}$1')
    const came = await arrived(OPENAI, sent)
    assert.equal(came.replace(/\s*,\s*"stream_options":\{"include_usage":true\}/, ''), sent)
    assert.notEqual(came, sent)
    // Asked for by the client itself: nothing is touched, and the chunk is its own.
    const asks = sent.replace('"stream" : true', '"stream" : true, "stream_options": { "include_usage" :true}')
    assert.equal(await arrived(OPENAI, asks), asks)
  }
  const answer = async (options: object) =>
    (await send(gateway.gateway.url + OPENAI.path, { body: OPENAI.body('m', 'hi', { stream: true, ...options }) })).text
  assert.equal(await answer({}), events.join(''))
  assert.equal(await answer({ stream_options: { include_usage: true } }), pieces.join(''))
  const call = gateway.lines.findLast(line => line.msg === 'call')
  assert.match(JSON.stringify(call?.usage), /"inputTokens":1/, 'the log has it')
})

test('what is the client’s own, or of one hop, is not forwarded; what its dialect reads is', async () => {
  const own: Given = {
    authorization: 'Bearer client-key',
    cookie: 'session=1',
    'x-gatehouse-anything': 'x',
    'x-api-key': 'client-key',
    'api-key': 'client-key',
    'accept-encoding': 'gzip, br',
    'accept-language': 'de',
    'user-agent': 'client/1',
    'x-forwarded-for': '10.0.0.1',
    forwarded: 'for=10.0.0.1',
    referer: 'https://app.example',
    te: 'trailers',
    'proxy-authorization': 'Basic eDp5',
    'x-stainless-lang': 'js',
    connection: 'keep-alive, x-hop',
    'x-hop': 'hop'
  }
  const read: Record<Door['name'], Record<string, string>> = {
    'openai-chat': { 'openai-organization': 'org', 'openai-project': 'proj', 'openai-beta': 'assistants=v2' },
    'anthropic-messages': {
      'anthropic-version': '2023-01-01',
      'anthropic-beta': 'context-1m-2025-08-07,new-2026-01-01'
    }
  }
  for (const door of DOORS) {
    whole(door)
    recorder.taken()
    const foreign = read[door === OPENAI ? 'anthropic-messages' : 'openai-chat']
    const url = `${gateway.gateway.url}${door.path}?beta=true&key=client-key`
    const headers = { ...own, ...foreign, ...read[door.name] }
    assert.equal((await send(url, { body: door.body(`${door.provider}/m`, 'hi'), headers })).status, 200)
    const [request] = recorder.taken()
    const { host, 'content-length': length, 'user-agent': agent, connection, ...rest } = request!.headers
    assert.equal(`http://${host}/v1`, recorder.baseUrl)
    assert.equal(length, String(request!.body.length))
    assert.match(agent ?? '', /^gatehouse\/\d/)
    assert.match(connection ?? 'keep-alive', /^keep-alive$/)
    delete rest['x-client-request-id']
    assert.deepEqual(rest, {
      'content-type': 'application/json',
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...(door === OPENAI
        ? { authorization: 'Bearer sk-provider-credential' }
        : { 'x-api-key': 'sk-provider-credential' }),
      ...read[door.name]
    })
    assert.equal(request!.path, door.path, 'the query is the client’s own as well')
    assert.ok(!JSON.stringify(request).includes('client-key'))
  }
})

test('of a provider’s headers only those that its clients read come back, and never its cookies', async () => {
  for (const door of DOORS) {
    whole(door)
    reply.headers = {
      ...reply.headers,
      'set-cookie': ['__cf_bm=1; path=/'],
      server: 'cloudflare',
      'x-internal': 'secret',
      'keep-alive': 'timeout=1',
      'x-request-id': 'of-the-provider',
      'request-id': 'of-the-provider',
      'access-control-allow-origin': '*',
      'x-gatehouse-provider': 'forged',
      'openai-processing-ms': '12',
      'anthropic-ratelimit-requests-remaining': '3'
    }
    const { headers } = await send(gateway.gateway.url + door.path, { body: door.body(`${door.provider}/m`, 'hi') })
    for (const name of ['set-cookie', 'server', 'x-internal', 'access-control-allow-origin'])
      assert.equal(headers[name], undefined)
    assert.equal(headers[door.idHeader], headers['x-gatehouse-request-id'])
    assert.notEqual(headers[door.idHeader], 'of-the-provider')
    assert.equal(headers['x-gatehouse-provider'], door.provider)
    if (door === OPENAI) assert.equal(headers['openai-processing-ms'], '12')
    else assert.equal(headers['x-gatehouse-upstream-ratelimit-requests-remaining'], '3')
    assert.equal(headers['anthropic-ratelimit-requests-remaining'], undefined)
  }
})

test('crossing: the other dialect’s headers, and the request in its own words', async () => {
  reply = { headers: { 'content-type': 'application/json' }, pieces: [WHOLE['openai-chat']] }
  recorder.taken()
  const headers = { 'anthropic-version': '2023-06-01', 'anthropic-beta': 'x', 'x-api-key': 'client-key' }
  const answer = await send(gateway.gateway.url + ANTHROPIC.path, { body: ANTHROPIC.body('openai/m', 'hi'), headers })
  assert.equal(ANTHROPIC.said(answer.json()), 'hé/llo')
  const [request] = recorder.taken()
  assert.equal(request?.path, '/v1/chat/completions')
  assert.equal(request?.headers.authorization, 'Bearer sk-provider-credential')
  for (const name of Object.keys(headers)) assert.equal(request?.headers[name], undefined)
})
