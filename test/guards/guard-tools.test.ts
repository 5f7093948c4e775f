import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { guardTools } from '../../src/build/guard-tools.ts'
import { Failure } from '../../src/errors.ts'
import type { CloudCaller } from '../../src/guards/guard.ts'
import type { Signers } from '../../src/providers/auth/signers.ts'
import { Secret } from '../../src/secret.ts'
import type { UpstreamRequest } from '../../src/wire/upstream.ts'

type World = Parameters<typeof guardTools>[1]

/** The gateway's own world, before a service that answers with these statuses in turn. */
function worldOf(statuses: readonly number[], isWorthwhile = true) {
  const sent: UpstreamRequest[] = []
  const authorized: Parameters<Signers['authorize']>[] = []
  const upstream: World['upstream'] = {
    sockets: 0,
    close: async () => {},
    send(request, handler) {
      sent.push(request)
      queueMicrotask(() => {
        handler.head(statuses[sent.length - 1]!, {})
        handler.data(Buffer.from('{"ok": true}'))
        handler.end()
      })
      return { resume: () => {}, abort: () => handler.error(new Failure('client_closed', 'given up')) }
    }
  }
  const signers: Signers = {
    authorize(...request) {
      authorized.push(request)
      return ['authorization', `ours ${authorized.length}`]
    },
    refused: () => isWorthwhile
  }
  const clock = { wallMs: () => 1_700_000_000_999, monotonicMs: () => 0 } as World['clock']
  const { post } = guardTools(
    { webhooks: { allowPrivate: ['10.0.0.0/8'], secret: undefined } },
    { clock, upstream, signers, version: '1.2.3' }
  )
  const ask = (more: object = {}) => {
    const { signal } = new AbortController()
    return post({ url: 'https://service.example:8443/a?b=c', headers: { x: 'y' }, body: '{}', signal, ...more })
  }
  return { ask, sent, authorized }
}

const AWS: CloudCaller = {
  cloud: 'aws',
  service: 'bedrock',
  region: 'eu-west-1',
  keys: { accessKeyId: 'AKID', secretAccessKey: new Secret('secret') },
  role: { arn: 'arn:role', externalId: '42' }
}
const ENTRA: CloudCaller = {
  cloud: 'entra',
  scope: 'https://x/.default',
  tenantId: 't',
  clientId: 'c',
  clientSecret: new Secret('secret'),
  authority: 'https://login.example'
}

describe('what checks post', () => {
  it('goes out as ours, signed over the time and the body where it is to be', async () => {
    const { ask, sent } = worldOf([200, 200])
    assert.deepEqual(await ask(), { ok: true })
    const [first] = sent
    assert.deepEqual([first!.origin, first!.path, first!.method], ['https://service.example:8443', '/a?b=c', 'POST'])
    assert.deepEqual(first!.headers, [
      ...['content-type', 'application/json', 'user-agent', 'gatehouse/1.2.3'],
      ...['x', 'y']
    ])
    assert.deepEqual(first!.allowPrivate, ['10.0.0.0/8'])
    await ask({ sign: 'key', allowPrivate: [] })
    // `printf '1700000000.{}' | openssl dgst -sha256 -hmac key`
    const signature = 't=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae'
    assert.equal(sent[1]!.headers.at(-1), signature)
    assert.deepEqual(sent[1]!.allowPrivate, [])
  })

  it('to a cloud is made known by the identity of its guard', async () => {
    const { ask, sent, authorized } = worldOf([200, 200])
    await ask({ as: AWS })
    await ask({ as: ENTRA })
    assert.deepEqual(sent[0]!.headers.slice(-2), ['authorization', 'ours 1'])
    const [aws, entra] = authorized.map(([provider, endpoint, credential]) => ({ provider, endpoint, credential }))
    assert.partialDeepStrictEqual(aws, {
      provider: { name: 'service.example:8443' },
      endpoint: { auth: 'aws', audience: { service: 'bedrock', region: 'eu-west-1' } },
      credential: {
        identity: {
          kind: 'aws',
          keys: { accessKeyId: 'AKID' },
          role: { arn: 'arn:role', externalId: '42', sessionName: 'gatehouse' }
        }
      }
    })
    assert.partialDeepStrictEqual(entra, {
      endpoint: { auth: 'entra', audience: { scope: 'https://x/.default' } },
      credential: { identity: { kind: 'entra', tenantId: 't', clientId: 'c', authority: 'https://login.example' } }
    })
    assert.notEqual(aws!.credential.id, entra!.credential.id)
  })

  it('is sent once more where a signature or token was refused, and it may help', async () => {
    for (const status of [401, 403]) {
      const again = worldOf([status, 200])
      assert.deepEqual(await again.ask({ as: AWS }), { ok: true })
      assert.deepEqual(again.sent[1]!.headers.slice(-2), ['authorization', 'ours 2'])
      const twice = worldOf([status, status])
      await assert.rejects(twice.ask({ as: AWS }), new RegExp(`answered with status ${status}`))
      assert.equal(twice.sent.length, 2)
      const useless = worldOf([status], false)
      await assert.rejects(useless.ask({ as: AWS }))
      const plain = worldOf([status])
      await assert.rejects(plain.ask())
      assert.deepEqual([useless.sent.length, plain.sent.length], [1, 1])
    }
  })

  it('nobody waits for is given up at once', async () => {
    const { ask } = worldOf([200])
    await assert.rejects(ask({ signal: AbortSignal.abort() }), /given up/)
  })
})
