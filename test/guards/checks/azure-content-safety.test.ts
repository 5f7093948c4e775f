import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Passage, Subject } from '../../../src/guards/guard.ts'
import { judged, make, type Posted, passage, service } from './kit.ts'

const NAME = 'azure-content-safety'
const OPTIONS = { endpoint: 'https://x.cognitiveservices.azure.com/', key: 'azure' }
const ENTRA = { tenant_id: 't', client_id: 'c', client_secret: 's' }
const SHIELD = { ...OPTIONS, severities: {}, prompt_attacks: true }

const analysis = (severities: Record<string, number>, lists: readonly string[] = []) => ({
  blocklistsMatch: lists.map(blocklistName => ({ blocklistName, blocklistItemId: '1', blocklistItemText: 'the text' })),
  categoriesAnalysis: Object.entries(severities).map(([category, severity]) => ({ category, severity }))
})
const CALM = { Hate: 0, SelfHarm: 0, Sexual: 0, Violence: 0 }
const shielded = ({ userPrompt, documents = [] }: { userPrompt?: string; documents?: readonly string[] }) => {
  const of = (text: string) => ({ attackDetected: text.includes('attack') })
  return {
    ...(userPrompt !== undefined && { userPromptAnalysis: of(userPrompt) }),
    documentsAnalysis: documents.map(of)
  }
}

const bodies = (asked: readonly Posted[]) => asked.map(({ body }) => JSON.parse(body) as Record<string, unknown>)

describe('the check "azure-content-safety"', () => {
  for (const [what, options, message] of [
    ['no credential', { endpoint: OPTIONS.endpoint }, /needs a `key`/],
    ['half an application', { endpoint: OPTIONS.endpoint, tenant_id: 't' }, /needs a `key`/],
    ['two credentials', { ...OPTIONS, ...ENTRA }, /no application beside it/],
    ['nothing to look for', { ...OPTIONS, severities: {} }, /looks for nothing/],
    ['a severity that there is not', { ...OPTIONS, severities: { hate: 8 } }, /hate/]
  ] as const) {
    it(`does not take ${what}`, () => assert.throws(() => make(NAME, options), message))
  }

  describe('harm', () => {
    const of = async (answer: object, options = {}) => {
      const { asked, post } = service(() => answer)
      const found = await judged(NAME, { ...OPTIONS, ...options }, [passage('one'), passage(' ')], { post })
      return { found: found.map(({ rule, score }) => [rule.replace(`${NAME}.`, ''), score]), asked }
    }

    it('counts from a severity on, each category from its own', async () => {
      const answer = analysis({ Hate: 3, SelfHarm: 4, Sexual: 0, Violence: 7 })
      const { found, asked } = await of(answer)
      assert.deepEqual(found, [
        ['self_harm', 4 / 7],
        ['violence', 1]
      ])
      assert.equal(asked[0]!.url, `${OPTIONS.endpoint}contentsafety/text:analyze?api-version=2024-09-01`)
      assert.deepEqual(asked[0]!.headers, { 'ocp-apim-subscription-key': 'azure' })
      assert.deepEqual(bodies(asked), [
        { text: 'one', outputType: 'EightSeverityLevels', categories: ['Hate', 'SelfHarm', 'Sexual', 'Violence'] }
      ])
      const own = await of(analysis({ Hate: 3, Violence: 5 }), { severities: { hate: 3, violence: 6 } })
      assert.deepEqual(own.found, [['hate', 3 / 7]])
      assert.deepEqual(bodies(own.asked)[0]!.categories, ['Hate', 'Violence'])
    })

    it('blocklists, by name', async () => {
      const options = { blocklists: ['rivals', 'words'], severities: {} }
      const { found, asked } = await of(analysis({ ...CALM, Hate: 7 }, ['rivals', 'rivals']), options)
      assert.deepEqual(found, [['blocklist', 1]])
      assert.partialDeepStrictEqual(bodies(asked)[0], {
        blocklistNames: ['rivals', 'words'],
        haltOnBlocklistHit: false
      })
    })

    it('an application of Entra instead of a key', async () => {
      const { asked, post } = service(() => analysis(CALM))
      await judged(NAME, { endpoint: OPTIONS.endpoint, ...ENTRA }, [passage('one')], { post })
      const scope = 'https://cognitiveservices.azure.com/.default'
      assert.partialDeepStrictEqual(asked[0]!.as, { cloud: 'entra', scope, tenantId: 't', clientId: 'c' })
      assert.deepEqual(asked[0]!.headers, {})
    })

    it('an answer that leaves out what was asked for is none', async () => {
      for (const answer of [{}, analysis({ Hate: 0 }), { categoriesAnalysis: [{ category: 'Hate' }] }]) {
        await assert.rejects(of(answer), /something else than an analysis/)
      }
    })
  })

  describe('attacks on the prompt', () => {
    const of = async (passages: readonly Passage[], side: Subject['side'] = 'request') => {
      const { asked, post } = service(shielded)
      const found = await judged(NAME, SHIELD, passages, { post }, side)
      return { rules: found.map(({ rule }) => rule.replace(`${NAME}.`, '')), sent: bodies(asked) }
    }
    const result = (text: string) => passage(text, { role: 'tool', kind: 'tool-result' })
    const document = (text: string) => passage(text, { kind: 'document' })

    it('what users say is a prompt, what comes along is a document, and the rest is nobody’s attack', async () => {
      const system = passage('attack', { role: 'system' })
      const history = passage('attack', { role: 'assistant' })
      const { rules, sent } = await of([system, passage('one'), history, result('two'), document('three')])
      assert.deepEqual(rules, [])
      assert.deepEqual(sent, [{ userPrompt: 'one', documents: ['two\n\nthree'] }])
      assert.deepEqual((await of([passage('an attack')])).rules, ['prompt_attack'])
      assert.deepEqual((await of([passage('one'), result('an attack')])).rules, ['document_attack'])
      const declared = passage('an attack', { role: 'system', kind: 'tool-description' })
      assert.deepEqual((await of([declared])).rules, ['document_attack'])
      assert.deepEqual((await of([document('an attack')])).sent, [{ documents: ['an attack'] }])
    })

    it('asks nobody about answers, nor where there is nothing', async () => {
      assert.deepEqual(await of([passage('an attack', { side: 'response', role: 'assistant' })], 'response'), {
        rules: [],
        sent: []
      })
      assert.deepEqual((await of([passage(' ')])).sent, [])
    })

    it('10,000 characters of each at a time', async () => {
      const prompts = [passage('a'.repeat(9_000)), passage('b'.repeat(9_000))]
      const { rules, sent } = await of([...prompts, result('x'.repeat(30_000)), result('an attack')])
      assert.deepEqual(rules, ['document_attack'])
      assert.equal(sent.length, 4)
      for (const { userPrompt = '', documents } of sent) {
        assert.ok((userPrompt as string).length <= 10_000)
        assert.ok((documents as string[]).join('').length <= 10_000)
      }
    })

    it('an answer that leaves out one of them is none', async () => {
      for (const answer of [{}, { userPromptAnalysis: { attackDetected: false } }, { documentsAnalysis: [] }]) {
        const asked = judged(NAME, SHIELD, [passage('one'), result('two')], { post: async () => answer })
        await assert.rejects(asked, /analysis of the prompt/)
      }
    })
  })
})
