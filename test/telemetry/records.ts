import type { Nano } from '../../src/nano.ts'
import type { TelemetryRecord } from '../../src/telemetry/record.ts'

/** 2026-11-23T00:00:02Z, with the fraction of a millisecond that clocks have. */
export const OVER_AT_MS = Date.UTC(2026, 10, 23, 0, 0, 2) + 0.25

export const CLIENT_TRACE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true }

/** A call with two failed attempts, guards on both sides, and a fallback that answered. */
export function recordOf(changes: Partial<TelemetryRecord> = {}): TelemetryRecord {
  const id = changes.id ?? '019abc00-0000-7000-8000-000000000001'
  return {
    id,
    atMs: OVER_AT_MS,
    totalMs: 1_000,
    firstTokenMs: 700,
    dialect: 'openai-chat',
    operation: 'chat',
    stream: true,
    modelAsked: 'smart',
    status: 200,
    outcome: 'done',
    failure: undefined,
    usage: { inputTokens: 120, outputTokens: 30 },
    finish: 'stop',
    costNano: 2_500_000 as Nano,
    answered: { provider: 'anthropic', model: 'claude-sonnet-5' },
    tries: [
      {
        id: `${id}-1`,
        number: 1,
        provider: 'openai',
        model: 'gpt-6',
        startMs: 20,
        endMs: 220,
        outcome: 'failed',
        failure: 'server_error'
      },
      {
        id: `${id}-2`,
        number: 2,
        provider: 'openai',
        model: 'gpt-6',
        startMs: 300,
        endMs: 400,
        outcome: 'failed',
        failure: 'rate_limited'
      },
      {
        id: `${id}-3`,
        number: 3,
        provider: 'anthropic',
        model: 'claude-sonnet-5',
        startMs: 400,
        firstTokenMs: 700,
        endMs: 990,
        outcome: 'done',
        usage: { inputTokens: 120, outputTokens: 30, cacheReadTokens: 100, cacheWriteTokens: 10, reasoningTokens: 5 },
        costNano: 2_500_000 as Nano
      }
    ],
    waitedMs: 600,
    guardedMs: [2, 12],
    looks: [
      { guard: 'pii', side: 'request', tookMs: 9.5 },
      { guard: 'words', side: 'request', tookMs: 0.5 },
      { guard: 'pii', side: 'response', tookMs: 4 }
    ],
    verdicts: [{ guard: 'pii', rule: 'pii.email', side: 'request', action: 'mask', count: 2, score: 1 }],
    payers: { key: 'app', team: 'search', user: 'u-1', session: 's-1' },
    client: { app: 'codex', trace: CLIENT_TRACE },
    decision: { route: 'smart', leftOut: () => [] },
    configDigest: 'sha256:abc',
    ...changes
  }
}

/** One call for each thing that is counted. */
export const EVERYTHING: readonly TelemetryRecord[] = [
  recordOf(),
  recordOf({
    id: 'b',
    stream: false,
    client: { app: undefined, trace: undefined },
    costNano: null,
    tries: [
      { id: 'b-1', number: 1, provider: 'sim', model: 'echo', startMs: 1, endMs: 5, outcome: 'done', costNano: null }
    ]
  }),
  recordOf({
    id: 'c',
    outcome: 'aborted',
    status: 499,
    firstTokenMs: undefined,
    caching: { result: 'miss', askedMs: [12, 13] }
  }),
  recordOf({
    id: 'kept',
    tries: [],
    caching: {
      result: 'semantic',
      askedMs: [1, 2],
      given: { savedNano: () => 5_000_000 as Nano, score: 0.97 }
    }
  }),
  recordOf({
    id: 'd',
    outcome: 'failed',
    status: 502,
    failure: { code: 'provider_truncated', kind: 'truncated' },
    answered: undefined,
    decision: { route: 'smart', leftOut: () => [{ target: 'openai/gpt-6', excludedBy: 'retry_budget' }] },
    tries: [
      {
        id: 'd-1',
        number: 1,
        provider: 'openai',
        model: 'gpt-6',
        startMs: 1,
        endMs: 5,
        outcome: 'failed',
        failure: 'truncated'
      }
    ]
  }),
  recordOf({
    id: 'e',
    tries: [
      { id: 'e-1', number: 1, provider: 'openai', model: 'gpt-6', startMs: 400 },
      ...recordOf({ id: 'e' }).tries.slice(2)
    ]
  }),
  recordOf({
    id: 'f',
    payers: { ...recordOf().payers, customer: 'c-1', agent: 'a-1' },
    capture: {
      level: 'full',
      received: Buffer.from(
        '{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hello"}]}]}'
      ),
      answered: Buffer.from('{"choices":[{"message":{"role":"assistant","content":"Hi"}}]}')
    }
  })
]
