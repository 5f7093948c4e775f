import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Finding } from '../../../src/guards/guard.ts'
import { judged, make, passage, service } from './kit.ts'

const OPTIONS = { guardrail: 'gr1', version: '3', region: 'eu-west-1' }
const KEYS = { access_key_id: 'AKIDOFTHEGUARD', secret_access_key: 'secret' }

const answered = (assessment: object, action = 'GUARDRAIL_INTERVENED') => ({
  action,
  assessments: [assessment],
  outputs: [],
  usage: {}
})
const pii = (match: string, type = 'NAME', action = 'ANONYMIZED') => ({
  sensitiveInformationPolicy: { piiEntities: [{ match, type, action, detected: true }], regexes: [] }
})

async function found(answer: object, texts: readonly string[], options = {}): Promise<readonly Finding[]> {
  const passages = texts.map((text, at) => passage(text, { path: `p${at}` }))
  return judged('bedrock-guardrail', { ...OPTIONS, ...options }, passages, { post: async () => answer })
}

describe('the check "bedrock-guardrail"', () => {
  for (const [what, options, message] of [
    ['half a pair of keys', { access_key_id: 'AKID' }, /both/],
    ['an API key beside others', { ...KEYS, key: 'bedrock' }, /no other credentials/],
    ['a version that is no text', { version: 3 }, /quotes/],
    ['what is no guardrail', { guardrail: 'my guardrail' }, /guardrail/],
    ['what is no region', { region: 'Ireland' }, /region/]
  ] as const) {
    it(`does not take ${what}`, () => {
      assert.throws(() => make('bedrock-guardrail', { ...OPTIONS, ...options }), message)
    })
  }

  it('asks where the guardrail is, as whom it is told', async () => {
    const arn = 'arn:aws-cn:bedrock:cn-north-1:123456789012:guardrail/gr1'
    const ask = async (options: object, side: 'request' | 'response' = 'request') => {
      const { asked, post } = service(() => answered({}, 'NONE'))
      await judged('bedrock-guardrail', { ...OPTIONS, ...options }, [passage('one'), passage(' ')], { post }, side)
      return asked[0]!
    }
    const plain = await ask({})
    assert.equal(plain.url, 'https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/gr1/version/3/apply')
    assert.deepEqual(JSON.parse(plain.body), { source: 'INPUT', content: [{ text: { text: 'one' } }] })
    const aws = { cloud: 'aws', service: 'bedrock', region: 'eu-west-1' }
    assert.partialDeepStrictEqual(plain.as, aws)
    assert.equal(JSON.parse((await ask({}, 'response')).body).source, 'OUTPUT')
    const chinese = await ask({ guardrail: arn, region: 'cn-north-1' })
    assert.ok(chinese.url.startsWith('https://bedrock-runtime.cn-north-1.amazonaws.com.cn/guardrail/arn%3Aaws-cn%3A'))
    const taken = await ask({ ...KEYS, role_arn: 'arn:role', external_id: '42' })
    assert.partialDeepStrictEqual(taken.as, {
      ...aws,
      keys: { accessKeyId: 'AKIDOFTHEGUARD' },
      role: { arn: 'arn:role', externalId: '42' }
    })
    const bearer = await ask({ key: 'bedrock' })
    assert.deepEqual([bearer.as, bearer.headers], [undefined, { authorization: 'Bearer bedrock' }])
  })

  it('says of each policy what it found, and never the text', async () => {
    const blocked = { action: 'BLOCKED', detected: true }
    const all = answered({
      topicPolicy: { topics: [{ name: 'Medical Advice!', type: 'DENY', ...blocked }] },
      contentPolicy: { filters: [{ type: 'PROMPT_ATTACK', confidence: 'LOW', ...blocked }] },
      wordPolicy: {
        customWords: [{ match: 'hush', ...blocked }],
        managedWordLists: [{ match: 'darn', type: 'PROFANITY', ...blocked }]
      },
      sensitiveInformationPolicy: {
        piiEntities: [{ match: 'Ana', type: 'NAME', ...blocked }],
        regexes: [{ name: 'order no.', match: 'hush-1', regex: 'hush-\\d', action: 'ANONYMIZED' }]
      },
      contextualGroundingPolicy: { filters: [{ type: 'GROUNDING', threshold: 0.7, score: 0.2, ...blocked }] },
      automatedReasoningPolicy: { findings: [] }
    })
    const findings = await found(all, ['Ana said hush, darn hush-1'])
    assert.deepEqual(
      [...new Set(findings.map(({ rule }) => rule))].map(rule => rule.replace('bedrock-guardrail.', '')),
      ['topic.medical_advice', 'content.prompt_attack', 'word', 'pii.name', 'regex.order_no', 'grounding.grounding']
    )
    for (const { reason = '', score, label = 'OK' } of findings) {
      assert.doesNotMatch(reason, /Ana|hush|darn/)
      assert.ok(score > 0 && score <= 1)
      assert.match(label, /^[A-Z0-9]+(?:_[A-Z0-9]+)*$/)
    }
  })

  it('counts the outcomes that are wanted', async () => {
    const of = async (action: string, outcomes: string[], overall = 'GUARDRAIL_INTERVENED') =>
      (await found(answered(pii('Ana', 'NAME', action), overall), ['Ana'], { outcomes })).length
    assert.equal(await of('BLOCKED', ['blocked']), 1)
    assert.equal(await of('ANONYMIZED', ['blocked']), 0)
    assert.equal(await of('ANONYMIZED', ['anonymized']), 1)
    assert.equal(await of('NONE', ['blocked', 'anonymized'], 'NONE'), 0)
    assert.equal(await of('NONE', ['none'], 'NONE'), 1)
  })

  it('what intervenes for a reason nobody knows blocks', async () => {
    for (const assessment of [{}, { newPolicy: { things: [{ action: 'BLOCKED' }] } }]) {
      const findings = await found(answered(assessment), ['a text'])
      assert.deepEqual(
        findings.map(({ rule, path, start }) => [rule, path, start]),
        [['bedrock-guardrail.intervened', 'p0', undefined]]
      )
    }
  })

  it('finds the places of what was found: as whole words where it can, in any case', async () => {
    const places = async (match: string, ...texts: string[]) =>
      (await found(answered(pii(match)), texts)).map(({ path, start, end }) => [path, start, end])
    assert.deepEqual(await places('Ana', 'Ana, banana, ANA', 'Anabel'), [
      ['p0', 0, 3],
      ['p0', 13, 16],
      ['p1', 0, 3]
    ])
    assert.deepEqual(await places('(1+1)', '😀 (1+1)'), [['p0', 3, 8]])
    const whole = [
      ['p0', undefined, undefined],
      ['p1', undefined, undefined]
    ]
    assert.deepEqual(await places('not there', 'one', 'two'), whole)
    assert.deepEqual(await places('', 'one', 'two'), whole)
  })

  it('leaves nothing of what was found uncovered, whatever signs it is made of', async () => {
    const some = fc.string({ unit: 'binary', maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(some, some, some, async (before, match, after) => {
        const text = before + match + after
        if (match === '' || text.trim() === '') return
        const spans = await found(answered(pii(match)), [text])
        assert.ok(spans.some(({ start }) => start !== undefined))
        for (const { start, end } of spans) assert.match(text.slice(start, end), new RegExp(RegExp.escape(match), 'iu'))
      })
    )
  })

  it('what is no assessment is no answer', async () => {
    for (const answer of [{}, { action: 'MAYBE', assessments: [] }, { action: 'NONE' }]) {
      await assert.rejects(found(answer, ['a text']), /something else than assessments/)
    }
  })

  it('a request holds 25 text units, and texts without end are many requests', async () => {
    const { asked, post } = service(() => answered({}, 'NONE'))
    const passages = [...Array(30)].map(() => passage('short')).concat(passage('x'.repeat(60_001)))
    await judged('bedrock-guardrail', OPTIONS, passages, { post })
    assert.equal(asked.length, 5)
    for (const { body } of asked) {
      const { content } = JSON.parse(body) as { content: { text: { text: string } }[] }
      const units = content.reduce((sum, { text: { text } }) => sum + Math.ceil(text.length / 1_000), 0)
      assert.ok(units <= 25, String(units))
    }
  })
})
