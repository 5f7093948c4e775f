import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Token, Tokens } from '../../../src/providers/auth/tokens.ts'
import { TestClock } from './support.ts'

const HOUR_MS = 3_600_000

/** A source of numbered tokens whose answers a test lets go. */
function source(lifetimeMs = HOUR_MS) {
  const waiting: ((outcome: Token<string> | Error) => void)[] = []
  let asked = 0
  return {
    get asked() {
      return asked
    },
    fetch: () =>
      new Promise<Token<string>>((resolve, reject) => {
        const value = `token ${++asked}`
        waiting.push(outcome => (outcome instanceof Error ? reject(outcome) : resolve({ ...outcome, value })))
      }),
    give: () => waiting.shift()!({ value: '', lifetimeMs }),
    fail: () => waiting.shift()!(new Error('no'))
  }
}

describe('Tokens', () => {
  it('fetch once for fifty calls at one time, and then answer at once', async () => {
    const tokens = new Tokens<string>(new TestClock())
    const one = source()
    const calls = Array.from({ length: 50 }, () => tokens.get('a', 'f', one.fetch))
    one.give()
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['token 1']))
    assert.equal(tokens.get('a', 'f', one.fetch), 'token 1')
    assert.equal(one.asked, 1)
  })

  it('are renewed before they end, once, while the old one goes on', async () => {
    const clock = new TestClock()
    const tokens = new Tokens<string>(clock)
    const one = source()
    const first = tokens.get('a', 'f', one.fetch)
    one.give()
    await first
    clock.pass(HOUR_MS - 5 * 60_000 - 1)
    assert.equal(tokens.get('a', 'f', one.fetch), 'token 1')
    assert.equal(one.asked, 1)
    clock.pass(1)
    for (let call = 0; call < 50; call++) assert.equal(tokens.get('a', 'f', one.fetch), 'token 1')
    assert.equal(one.asked, 2)
    one.give()
    await new Promise(setImmediate)
    assert.equal(tokens.get('a', 'f', one.fetch), 'token 2')
  })

  it('are kept when a renewal fails, and asked for again a little later', async () => {
    const clock = new TestClock()
    const tokens = new Tokens<string>(clock)
    const one = source()
    const first = tokens.get('a', 'f', one.fetch)
    one.give()
    await first
    clock.pass(HOUR_MS - 60_000)
    assert.equal(tokens.get('a', 'f', one.fetch), 'token 1')
    one.fail()
    await new Promise(setImmediate)
    assert.equal(tokens.get('a', 'f', one.fetch), 'token 1')
    assert.equal(one.asked, 2, 'not at every call')
    clock.pass(10_000)
    assert.equal(tokens.get('a', 'f', one.fetch), 'token 1')
    assert.equal(one.asked, 3)
    clock.pass(60_000)
    const late = tokens.get('a', 'f', one.fetch)
    assert.ok(late instanceof Promise, 'a token that has ended is nobody’s')
    one.give()
    assert.equal(await late, 'token 3')
  })

  it('go by time that has passed, not by the time of day', async () => {
    const clock = new TestClock()
    const tokens = new Tokens<string>(clock)
    const one = source()
    const first = tokens.get('a', 'f', one.fetch)
    one.give()
    await first
    clock.wall += 24 * HOUR_MS
    assert.equal(tokens.get('a', 'f', one.fetch), 'token 1')
    clock.wall -= 48 * HOUR_MS
    clock.monotonic += HOUR_MS
    assert.ok(tokens.get('a', 'f', one.fetch) instanceof Promise)
    one.give()
  })

  it('of another identity under the same name are others', async () => {
    const tokens = new Tokens<string>(new TestClock())
    const one = source()
    const first = tokens.get('a', 'before the reload', one.fetch)
    one.give()
    await first
    const second = tokens.get('a', 'after it', one.fetch)
    one.give()
    assert.equal(await second, 'token 2')
  })

  it('are dropped when refused: once, however many calls were under way, and not again for a while', async () => {
    const clock = new TestClock()
    const tokens = new Tokens<string>(clock)
    const one = source()
    const get = async () => {
      const token = tokens.get('a', 'f', one.fetch)
      if (token instanceof Promise) one.give()
      return token
    }
    assert.equal(tokens.drop('a'), false, 'there is none')
    assert.equal(await get(), 'token 1')
    assert.equal(tokens.drop('a'), true)
    assert.equal(await get(), 'token 2')
    for (let call = 0; call < 49; call++) assert.equal(tokens.drop('a'), true, 'it was sent with the first')
    assert.equal(await get(), 'token 2')
    clock.pass(11_000)
    assert.equal(tokens.drop('a'), false, 'the second is refused too: another would be no better')
    assert.equal(await get(), 'token 2')
    clock.pass(30_000)
    assert.equal(tokens.drop('a'), true)
    assert.equal(await get(), 'token 3')
  })

  it('that cannot be had fail every call that waits, and the next one asks again', async () => {
    const tokens = new Tokens<string>(new TestClock())
    const one = source()
    const calls = [1, 2].map(() => tokens.get('a', 'f', one.fetch) as Promise<string>)
    one.fail()
    for (const call of calls) await assert.rejects(call, /no/)
    const next = tokens.get('a', 'f', one.fetch)
    one.give()
    assert.equal(await next, 'token 2')
  })
})
