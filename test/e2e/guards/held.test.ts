import './register.ts'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DOORS, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

const PACE_MS = 2

const YAML = `
guards:
  holding: { check: test, whole: true, action: block, on: [response] }
  noting: { check: test, whole: true, action: flag, on: [response] }
  failing: { check: test, broken: true, action: shadow, on: [response] }
routes:
${[
  ['openai-chat', 'openai'],
  ['anthropic-messages', 'anthropic']
]
  .map(
    ([door, provider]) => `
  holding-${door}: { to: ${provider}/story, guards: [holding] }
  noting-${door}: { to: ${provider}/story, guards: [noting] }
  telling-${door}: { to: ${provider}/echo, guards: [noting] }
  failing-${door}: { to: ${provider}/echo, guards: [failing] }`
  )
  .join('')}`

interface Line {
  model?: string
  heldMs?: number
  outcome?: string
  verdicts?: { guard: string; rule: string; side: string; action: string }[]
}

describe('the wait that guards add to a stream', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({ yaml: YAML, paceMs: PACE_MS })
  })
  after(() => test.close())

  for (const door of DOORS) {
    const asked = async (route: string, text = 'hello') => {
      const before = test.lines.length
      const body = door.body(`${route}-${door.name}`, text, { stream: true })
      const answer = await send(`${test.gateway.url}${door.path}`, { body })
      assert.equal(answer.status, 200)
      const line = () => test.lines.slice(before).find(each => 'heldMs' in each) as Line | undefined
      await until(() => line() !== undefined, 'the call is on record')
      return { text: String(answer.text), line: line()! }
    }

    it(`${door.name}: is in the record: all of it where a check may stop it, none where it can only be noted`, async () => {
      const { line: held } = await asked('holding')
      assert.ok(held.heldMs! >= PACE_MS, `${held.heldMs} ms`)
      const { line: noted } = await asked('noting')
      assert.ok(noted.heldMs! < held.heldMs!, `${noted.heldMs} ms, ${held.heldMs} ms`)
      const { line: failing } = await asked('failing')
      assert.equal(failing.outcome, 'done')
      assert.deepEqual(
        failing.verdicts?.map(({ action }) => action),
        ['error']
      )
    })

    it(`${door.name}: what is only noted is in the record all the same, and the answer is whole`, async () => {
      const { line, text } = await asked('telling', 'to ann@example.com')
      assert.equal(line.outcome, 'done')
      assert.deepEqual(
        line.verdicts?.map(({ guard, rule, action }) => `${guard} ${rule} ${action}`),
        ['noting test.email flag']
      )
      assert.ok(text.includes('example'), text)
    })
  }
})
