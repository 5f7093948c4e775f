import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestSize } from '../../src/money/reckoning.ts'
import { sizeWith } from '../../src/stages/request-size.ts'

const capped = (outputTokensMax: number | undefined): RequestSize => ({
  textBytes: 100,
  images: 0,
  audioBytes: 0,
  documentBytes: 0,
  addresses: 0,
  hostedTools: 0,
  outputTokensMax,
  choices: 1,
  isExact: true
})

test('the cap that a route sets, drops or gives by default is the one that is held for', () => {
  const cases: [string, number | undefined, Parameters<typeof sizeWith>[1], number | undefined][] = [
    ['nothing is said', 10, undefined, 10],
    ['set above', 10, { set: { max_tokens: 500 } }, 500],
    ['set below: the client may have said another name for it', 800, { set: { max_completion_tokens: 500 } }, 800],
    ['set where there is none', undefined, { set: { inferenceConfig: { maxTokens: 500 } } }, 500],
    ['default where there is one', 10, { default: { max_tokens: 500 } }, 10],
    ['default where there is none', undefined, { default: { generationConfig: { maxOutputTokens: 500 } } }, 500],
    ['dropped: it may answer without end', 10, { drop: ['max_tokens'] }, undefined],
    ['dropped and set', 10, { drop: ['max_tokens'], set: { max_output_tokens: 7 } }, 7],
    ['what is no number says nothing', 10, { set: { max_tokens: 'many' } }, 10],
    ['what holds it is replaced', 10, { set: { generationConfig: { temperature: 0 } } }, undefined]
  ]
  for (const [why, asked, params, expected] of cases) {
    assert.equal(sizeWith(capped(asked), params).outputTokensMax, expected, why)
  }
})

test('choices and tiers that a route sets are held for', () => {
  const { choices, serviceTier } = sizeWith(capped(10), { set: { n: 5 }, default: { service_tier: 'Priority' } })
  assert.deepEqual([choices, serviceTier], [5, 'priority'])
  assert.equal(sizeWith({ ...capped(10), serviceTier: 'flex' }, { set: { n: 1 } }).serviceTier, 'flex')
})
