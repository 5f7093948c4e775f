/** The judges of the catalogue: bad evidence fails, whatever a gateway does. A proof that cannot fail proves nothing. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { View } from '../../proofs/rig/callers.ts'
import { FAULTS } from '../../proofs/rig/catalogue.ts'
import { type Evidence, SHORT } from '../../proofs/rig/evidence.ts'
import { judged, percentile } from '../../proofs/rig/proof.ts'
import type { SimLogEntry } from '../../src/sim/index.ts'

const ANSWER = 'You said: hello'

const view = (more: Partial<View> = {}): View => ({
  status: 200,
  headers: {},
  text: ANSWER,
  finish: 'stop',
  ended: true,
  usage: { input: 3, output: 2 },
  model: 'stand-in',
  error: undefined,
  raw: '',
  tookMs: 10,
  ...more
})

const failed = view({
  status: 503,
  text: '',
  finish: undefined,
  ended: false,
  error: 'APIError: 503',
  model: undefined
})

/** Requests of a provider at these times, with what it answered. */
function asked(status: number, ...timesMs: number[]): SimLogEntry[] {
  const entry = { status, finish: 'ended', usage: { prompt_tokens: 3, completion_tokens: 2 }, body: { messages: [] } }
  return timesMs.map(atMs => ({ ...entry, atMs }) as unknown as SimLogEntry)
}

const standIn = asked(200, 9_000)

function problemOf(fault: string, evidence: Partial<Evidence>): string | undefined {
  const found = FAULTS.find(({ name }) => name === fault)
  assert.ok(found, fault)
  const base = { views: [view()], stream: true, primary: [], fallback: [], expected: ANSWER, times: SHORT }
  return found.judge({ ...base, ...evidence }).problem
}

/** Good evidence passes, each of the bad ones fails. */
function judges(fault: string, good: Partial<Evidence>, bad: Record<string, Partial<Evidence>>): void {
  test(fault, () => {
    assert.equal(problemOf(fault, good), undefined)
    for (const [why, evidence] of Object.entries(bad)) assert.ok(problemOf(fault, { ...good, ...evidence }), why)
  })
}

const halves = {
  'half an answer as a success': { views: [view({ text: 'You said' })] },
  'no finish, and no error': { views: [view({ finish: undefined })] },
  'no end marker': { views: [view({ ended: false })] }
}
const unanswered = { ...halves, 'an error': { views: [failed] }, 'never asked': { primary: [] } }

describe('the judges see what is wrong', () => {
  const primary = asked(503, 0, 100, 500)
  judges(
    '429 with retry-after 2',
    { primary: asked(429, 0, 2_001, 4_100), fallback: standIn },
    {
      ...unanswered,
      'too early': { primary: asked(429, 0, 1_900) }
    }
  )
  judges(
    '429 without retry-after',
    { primary: asked(429, 0, 100, 500, 900, 4_000), fallback: standIn },
    {
      ...unanswered,
      'five in 3 s': { primary: asked(429, 0, 1, 2, 3, 2_900) }
    }
  )
  judges(
    'one 500',
    { primary: [...asked(500, 0), ...asked(200, 9)] },
    {
      ...unanswered,
      'answered elsewhere': { primary: asked(500, 0), fallback: standIn },
      'both asked': { fallback: standIn }
    }
  )
  judges(
    'steady 503',
    { primary, fallback: standIn },
    {
      ...unanswered,
      'seven requests': { primary: asked(503, 0, 1, 2, 3, 4, 5, 6) },
      'the fallback never answered': { fallback: asked(503, 9) }
    }
  )
  judges('connection reset', { primary, fallback: standIn }, unanswered)
  judges(
    'silence',
    { primary: asked(0, 0), fallback: standIn },
    {
      ...unanswered,
      'asked twice': { primary: asked(0, 0, 9) }
    }
  )
  judges(
    'slow first token',
    { primary: asked(200, 0), fallback: standIn },
    {
      ...unanswered,
      'waited for it': { fallback: [] }
    }
  )
  judges(
    'error in a 200',
    { primary: asked(200, 0), fallback: standIn },
    { ...unanswered, 'the fallback never answered': { fallback: [] } }
  )
  for (const fault of ['cut mid-answer', 'stall mid-answer', 'error mid-answer']) {
    judges(fault, { primary }, unanswered)
    judges(
      `${fault}, without recovery`,
      { primary, views: [view({ error: 'APIError', ended: false })] },
      {
        'no error': { views: [view()] },
        'nobody told the caller': { views: [view({ error: 'TypeError: terminated', ended: false })] },
        'an end marker after the error': { views: [view({ error: 'APIError' })] }
      }
    )
  }
  judges('garbled event', { primary, healthy: true }, { ...halves, 'the process is ill': { healthy: false } })
  judges(
    'no end marker',
    { primary: asked(200, 0) },
    {
      ...unanswered,
      late: { views: [view({ tookMs: SHORT.idleMs })] },
      'no usage': { views: [view({ usage: undefined })] },
      'other usage': { views: [view({ usage: { input: 3, output: 1 } })] }
    }
  )
  judges(
    'context too long',
    { primary: asked(400, 0), fallback: standIn },
    {
      ...unanswered,
      'asked twice': { primary: asked(400, 0, 9) }
    }
  )
  const body = '{"error":{"message":"no"},"request_id":"a"}'
  const refusal = { status: 400, body, native: true }
  const refused = view({ status: 400, raw: body.replace('"a"', '"b"'), error: 'APIError: 400' })
  judges(
    'content filter',
    { primary: asked(400, 0), views: [refused], refusal },
    {
      'asked twice': { primary: asked(400, 0, 9) },
      'the fallback was asked': { fallback: standIn },
      'another status': { views: [{ ...refused, status: 502 }] },
      'other words': { views: [{ ...refused, raw: '{"error":{"message":"no, sorry"},"request_id":"b"}' }] },
      'other words in another dialect': {
        refusal: { ...refusal, native: false, body: body.replace('no', 'never') }
      }
    }
  )
  // Google refuses with a reply in which nobody answers.
  const blocked = { status: 200, body: '{"promptFeedback":{"blockReason":"SAFETY"},"responseId":"a"}' }
  const shown = view({ text: '', finish: 'SAFETY', raw: `data: ${blocked.body}\n\n` })
  judges(
    'content filter',
    { primary: asked(200, 0), views: [shown], refusal: { ...blocked, native: true } },
    {
      'other words': { views: [{ ...shown, raw: shown.raw.replace('SAFETY', 'OTHER') }] },
      'a natural end in another dialect': {
        refusal: { ...blocked, native: false },
        views: [{ ...shown, finish: 'stop' }]
      },
      'an answer after all': { refusal: { ...blocked, native: false }, views: [{ ...shown, text: 'You said' }] }
    }
  )
  const prefilled = [{ ...standIn[0]!, body: { messages: [{ role: 'user' }, { role: 'assistant' }] } }]
  judges(
    'fallback refuses prefill',
    { primary, fallback: standIn },
    {
      ...unanswered,
      'sent a prefill': { fallback: prefilled },
      'sent one as Google has it': { fallback: [{ ...standIn[0]!, body: { contents: [{ role: 'model' }] } }] },
      'sent one as Responses have it': { fallback: [{ ...standIn[0]!, body: { input: [{ role: 'assistant' }] } }] },
      'its 400 is shown': { views: [view({ raw: 'This model does not support assistant message prefill.' })] }
    }
  )
})

describe('the judges of several calls see what is wrong', () => {
  const { flapMs } = SHORT
  const away = asked(503, flapMs, flapMs + 100)
  const back = asked(200, 2 * flapMs + 500)
  const probes = asked(503, ...Array.from({ length: 6 }, (_, at) => 2 * flapMs - 100 - at))
  judges(
    'flapping provider',
    { primary: [...asked(200, 0), ...away, ...back], views: [view(), view()], times: { ...SHORT, backMs: flapMs } },
    {
      'a call was not served': { views: [view(), failed] },
      'it was never away': { primary: [...asked(200, 0), ...back] },
      'never back': { primary: [...asked(200, 0), ...away] },
      'too many probes': { primary: [...asked(200, 0), ...away, ...probes, ...back] }
    }
  )
  const told = (attempts: number, model: string, provider: string) => ({
    'x-gatehouse-attempts': String(attempts),
    'x-gatehouse-model': model,
    'x-gatehouse-provider': provider
  })
  const views = [
    view({ headers: told(4, 'stand-in', 'second') }),
    view({ headers: told(2, '500-once', 'first'), model: '500-once' }),
    { ...failed, headers: told(2, '503', 'first') }
  ]
  const counted = [
    { requests: 4, model: 'stand-in', provider: 'second' },
    { requests: 2, model: '500-once', provider: 'first' },
    { requests: 2, model: '503', provider: 'first' }
  ]
  judges(
    'accounting',
    { views, counted },
    {
      'an attempt is not told': { counted: counted.with(0, { ...counted[0]!, requests: 5 }) },
      'an attempt of a failed call is not told': { counted: counted.with(2, { ...counted[2]!, requests: 1 }) },
      'the reply names the model that was asked for': { views: views.with(0, { ...views[0]!, model: '503' }) },
      'another provider is named': { counted: counted.with(1, { ...counted[1]!, provider: 'second' }) },
      'a call was not answered': { views: views.with(1, { ...failed, headers: views[1]!.headers }) }
    }
  )
})

test('a goal is a line', () => {
  const goal = { name: 'exit', figure: 'code 1', goal: 'code 0' }
  assert.deepEqual(judged(goal), { verdict: 'PASS', line: 'exit: code 1 (goal: code 0) PASS' })
  assert.equal(judged({ ...goal, problem: 'not 0' }).line, 'exit: code 1 (goal: code 0) FAIL not 0')
  assert.equal(judged({ ...goal, skipped: 'no gateway' }).line, 'exit: code 1 (goal: code 0) SKIPPED no gateway')
  assert.equal(percentile([3, 1, 2, 4], 0.5), 3)
  assert.equal(percentile([1, 2], 0.99), 2)
})
