import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { dialects } from '../../../src/dialects/index.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { simAs, thinkingModel } from '../clients/providers.ts'
import type { Agent } from './agent.ts'
import { claudeCode } from './claude-code.ts'
import { codex } from './codex.ts'
import { geminiCli } from './gemini-cli.ts'

/**
 * What coding agents send works on every provider dialect, over conversations in which all that was said before is sent
 * again: calls and their results keep their names, thoughts their signatures. The simulated provider refuses what the
 * real one would.
 */
const PROVIDERS = Object.keys(dialects)
const REQUESTS = 20

describe('coding agents, twenty requests long', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({ bare: true, providers: PROVIDERS.map(simAs).join('\n') })
  })
  after(() => test.close())

  for (const start of [claudeCode, codex, geminiCli]) {
    for (const provider of PROVIDERS) {
      it(`${start.name}, ${provider}`, async () => {
        test.seen()
        const agent = start({ url: test.gateway.url, model: `${provider}/${thinkingModel(provider)}` })
        const asked = await converse(agent)
        const entries = test.seen().filter(entry => entry.stream)
        assert.equal(entries.length, asked)
        for (const entry of entries) assert.deepEqual([entry.dialect, entry.status], [provider, 200])
      })
    }
  }
})

/** Words, calls, results, words again: until so many requests were made. */
async function converse(agent: Agent): Promise<number> {
  let asked = 0
  for (let round = 1; asked < REQUESTS; round++) {
    const called = round % 3 === 0 ? agent.tools : [agent.tools[round % agent.tools.length]!]
    const calling = await agent.ask(`Round ${round}: ${called.join(' and ')}`)
    assert.deepEqual(calling.calls.map(({ name }) => name).sort(), [...called].sort())
    for (const call of calling.calls) {
      assert.notEqual(call.input, '')
      agent.result(call, `output ${round} of ${call.name}`)
    }
    const { text, calls } = await agent.ask()
    assert.deepEqual(calls, [])
    for (const name of called) assert.ok(text.includes(`output ${round} of ${name}`), text)
    await agent.aside?.()
    asked += 2
  }
  return asked
}
