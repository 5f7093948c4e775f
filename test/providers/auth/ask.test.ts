import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../src/clock.ts'
import { Failure } from '../../../src/errors.ts'
import { type Answer, asking } from '../../../src/providers/auth/ask.ts'
import { createUpstream } from '../../../src/wire/upstream-undici.ts'
import { standIn } from './support.ts'

/** Requests to who gives out tokens, on connections that may have been closed meanwhile. */
describe('a request for a token', async () => {
  let breaks = 0
  const sockets: unknown[] = []
  const issuer = await standIn(({ body }, response) => {
    sockets.push(response.socket)
    if (body !== 'first' && breaks-- > 0) response.destroy()
    else response.end('{}')
  })
  const upstream = createUpstream({ clock: systemClock })
  after(async () => {
    await upstream.close()
    await issuer.close()
  })
  beforeEach(() => {
    sockets.length = 0
  })
  const ask = (body: string): Promise<Answer> =>
    asking(upstream)({ method: 'POST', url: `${issuer.url}/token`, headers: {}, body })

  it('whose connection was closed while it was idle is sent again, on another one', async () => {
    await ask('first')
    breaks = 1
    assert.equal((await ask('second')).status, 200)
    assert.equal(sockets.length, 3)
    assert.equal(sockets[1], sockets[0], 'the idle connection was taken')
    assert.notEqual(sockets[2], sockets[1])
  })

  it('that breaks on a new connection, or twice, is not', async () => {
    await ask('first')
    breaks = 2
    const broken = (thrown: unknown): boolean => thrown instanceof Failure && thrown.code === 'provider_unreachable'
    await assert.rejects(ask('second'), broken)
    assert.equal(sockets.length, 3, 'once again and no more')
    breaks = 1
    await assert.rejects(ask('third'), broken)
    assert.equal(sockets.length, 4, 'not again on a new connection')
  })
})
