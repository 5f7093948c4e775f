/**
 * `npm run corpus`, small: our own fixtures keep every rule; each mechanism that is turned off fails the rules that are
 * there for it; and so does a part of the recorded traffic, where it is at hand.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BREAKS, broken } from '../../proofs/corpus/breaks.ts'
import { type Recording, readStream, recordings } from '../../proofs/corpus/interactions.ts'
import type { Rule } from '../../proofs/corpus/rule.ts'
import { CODEC_RULES, run } from '../../proofs/corpus/run.ts'
import { select } from '../../proofs/corpus/selection.ts'
import type { Goal } from '../../proofs/rig/proof.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { dialects } from '../../src/dialects/index.ts'
import { fixtures } from '../support/dialects.ts'

/** `npm run corpus` holds them all. */
const ONE_IN = 40

const REAL = { dialects: Object.values<Dialect>(dialects), readStream, forceCanonical: false }

/** As whom and what a fixture of each dialect would have been recorded. */
const RECORDED_AS: Readonly<Record<string, { provider: string; whole: string; streamed: string }>> = {
  'openai-chat': { provider: 'openai', whole: 'chat', streamed: 'chat_stream' },
  'openai-responses': { provider: 'openai', whole: 'responses', streamed: 'responses_stream' },
  'anthropic-messages': { provider: 'anthropic', whole: 'messages', streamed: 'messages_stream' },
  gemini: { provider: 'gemini', whole: 'generateContent', streamed: 'streamGenerateContent' },
  'bedrock-converse': { provider: 'bedrock', whole: 'converse', streamed: 'converse_stream' }
}

/** Our fixtures as if they had been recorded: each request with a reply, each reply and stream with a plain request. */
function ours(name: string): Recording[] {
  const { provider, whole, streamed } = RECORDED_AS[name]!
  const [requests, replies, streams] = (['requests', 'responses', 'streams'] as const).map(kind => fixtures(name, kind))
  const plain = requests!.find(each => each.name === 'plain') ?? requests![0]!
  const recording = (id: string, operation: string, body: unknown, response: object) =>
    ({
      id,
      provider,
      operation,
      model: 'a-model',
      notes: [],
      request: { body },
      response: { status: 200, headers: {}, ...response }
    }) as Recording
  const streamOf = (each = streams![0]!) => ({ sse: each.text.toString() })
  return [
    ...requests!.map(each => {
      const isStream = each.body().stream === true
      const reply = isStream ? streamOf() : { body: replies![0]!.body() }
      return recording(`request-${each.name}`, isStream ? streamed : whole, each.body(), reply)
    }),
    ...replies!.map(each => recording(`reply-${each.name}`, whole, plain.body(), { body: each.body() })),
    ...streams!.map(each =>
      recording(`stream-${each.name}`, streamed, { ...plain.body(), ...asked(name) }, streamOf(each))
    )
  ]
}

function asked(name: string): object {
  const { members } = dialects[name as keyof typeof dialects] as Dialect
  return members.stream ? { [members.stream]: true } : {}
}

async function findingsOf(
  recorded: readonly Recording[],
  { word, rules }: { word?: string; rules?: readonly Rule[] } = {}
): Promise<string[]> {
  const parts = broken(REAL, word)
  const { interactions } = select(recorded, { dialects: parts.dialects })
  assert.ok(interactions.length > 0)
  const goals: Goal[] = []
  const notes: string[] = []
  const reach = (goal: Goal) => void goals.push(goal)
  await run({ interactions, parts, ...(rules && { rules }), reach, note: line => void notes.push(line) })
  const findings = notes.filter(line => line.trimStart().startsWith('FAIL'))
  assert.equal(
    goals.some(({ problem }) => problem !== undefined),
    findings.length > 0
  )
  return findings
}

describe('the rules of the corpus', () => {
  for (const name of Object.keys(dialects)) {
    it(`are kept by our fixtures of ${name}`, async () => {
      assert.deepEqual(await findingsOf(ours(name)), [])
    })
  }

  const all = ['openai-chat', 'anthropic-messages'].flatMap(name => ours(name).filter(({ id }) => /fullest/.test(id)))
  const refused: Recording = {
    ...all[0]!,
    id: 'refused',
    operation: 'error',
    target_operation: 'chat',
    response: {
      status: 400,
      headers: {},
      body: { error: { message: 'The prompt is too long for the context window.' } }
    }
  }

  for (const [word, { rules }] of Object.entries(BREAKS)) {
    it(`${rules.join(' and ')} fail with --break=${word}`, async () => {
      const findings = await findingsOf([...all, refused], { word })
      for (const rule of rules)
        assert.ok(
          findings.some(line => line.includes(`FAIL ${rule} of`)),
          rule
        )
    })
  }

  it('know no other mechanism to turn off', () => {
    assert.throws(() => broken(REAL, 'everything'), /--break takes one of native, rest/)
  })

  const recorded = recordings()
  const some = recorded?.filter((_, index) => index % ONE_IN === 0)
  const skip = !some && 'there is no recorded traffic on this machine'

  it('that are for codecs alone are kept by all recorded calls', { skip }, async () => {
    assert.deepEqual(await findingsOf(recorded!, { rules: CODEC_RULES }), [])
  })

  it('are kept by some recorded calls', { skip }, async () => {
    assert.deepEqual(await findingsOf(some!), [])
  })

  it('are not kept by recorded calls where all of it is turned off', { skip }, async () => {
    const findings = await findingsOf(some!.slice(0, 10), { word: 'all' })
    assert.ok(findings.length > 10)
  })
})
