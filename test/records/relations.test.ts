import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeRelations, type LedgerEvidence, tokensOf } from '../../proofs/rig/ledger-relations.ts'
import type { Nano } from '../../src/nano.ts'
import type { AttemptRow } from '../../src/stores/rows.ts'
import { attemptEnd, attemptRow, requestRow } from './support.ts'

const USAGE = { prompt_tokens: 5, completion_tokens: 1 }

const finished = (id: string, more: Partial<AttemptRow> = {}) =>
  attemptRow(id, { ...attemptEnd(), state: 'finished', ...more })
const lost = (id: string, cost: number) =>
  attemptRow(id, { outcome: 'lost', costNano: cost as Nano, heldNano: cost as Nano })

/** Two calls that were answered, one that was killed at the provider, one on its way there. */
const GOOD: LedgerEvidence = {
  provider: [
    { id: 'a', usage: USAGE },
    { id: 'b', usage: USAGE },
    { id: 'killed', usage: USAGE }
  ],
  attempts: [finished('a'), finished('b'), lost('killed', 30_000), lost('unsent', 30_000)],
  requests: [requestRow('ra'), requestRow('rb')],
  calls: [
    { id: 'ra', status: 200, finished: true },
    { id: 'rb', status: 200, finished: true },
    { id: 'rkilled', status: 200, finished: false },
    { id: undefined, status: 0, finished: false }
  ],
  kills: 1,
  inFlight: 2
}

const failing = (evidence: LedgerEvidence) =>
  judgeRelations(evidence).flatMap(({ name, problem }) => (problem === undefined ? [] : [Number(name[0])]))

test('a ledger that agrees with its provider and its clients is found good', () => {
  assert.deepEqual(failing(GOOD), [])
})

const without = (id: string) => GOOD.attempts.filter(row => row.id !== id)

const BAD: [string, Partial<LedgerEvidence>, number[]][] = [
  ['an attempt without a row', { attempts: without('killed') }, [1]],
  ['an attempt that came without an id', { provider: [...GOOD.provider, { id: undefined, usage: null }] }, [1]],
  ['a finished row that nobody was sent', { attempts: [...without('unsent'), finished('unsent')] }, [2, 3]],
  ['more rows that nobody was sent than calls in flight', { inFlight: 0 }, [2, 4]],
  [
    'another usage',
    { attempts: [...without('b'), finished('b', { usage: { inputTokens: 6, outputTokens: 1 } })] },
    [3]
  ],
  ['too low an estimate', { attempts: [...without('killed'), lost('killed', 29_999)] }, [4]],
  ['an estimate for an answered call', { attempts: [...without('b'), lost('b', 90_000)], inFlight: 3 }, [4, 6]],
  ['an id that came twice', { provider: [...GOOD.provider, GOOD.provider[0]!] }, [5]],
  ['a row that is there twice', { requests: [...GOOD.requests, GOOD.requests[0]!] }, [5]],
  ['an answered call without a row', { calls: [...GOOD.calls, { id: 'rc', status: 200, finished: true }] }, [6]],
  ['nothing at all', { provider: [], attempts: [], requests: [], calls: [] }, [1, 3, 6]]
]

for (const [what, bad, relations] of BAD) {
  test(`found bad: ${what}`, () => assert.deepEqual(failing({ ...GOOD, ...bad }), relations))
}

test('the usage of a provider is read in every dialect', () => {
  const same = [
    USAGE,
    { input_tokens: 5, output_tokens: 1, input_tokens_details: { cached_tokens: 3 } },
    { input_tokens: 1, cache_read_input_tokens: 3, cache_creation_input_tokens: 1, output_tokens: 1 },
    { promptTokenCount: 5, candidatesTokenCount: 1, cachedContentTokenCount: 2 },
    { inputTokens: 2, cacheReadInputTokens: 3, outputTokens: 1, totalTokens: 6 }
  ]
  for (const usage of same) assert.deepEqual(tokensOf(usage), { input: 5, output: 1 })
  assert.equal(tokensOf(null), undefined)
})
