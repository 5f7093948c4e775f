import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Tools } from '../../../src/guards/guard.ts'
import { judged, make, passage, service } from './kit.ts'

const LLAMA = { format: 'llama-guard', model: 'guardian' }
const TEI = { format: 'tei', url: 'http://classifier:8080/predict', categories: ['MALICIOUS', 'odd label!'] }
const ENDPOINT = { format: 'huggingface', url: 'https://x.endpoints.example', categories: ['INJECTION', 'JAILBREAK'] }

describe('the check "classifier"', () => {
  for (const [what, options] of [
    ['llama-guard without a model', { format: 'llama-guard' }],
    ['llama-guard with an address', { ...LLAMA, url: 'http://guardian' }],
    ['llama-guard with a category it does not have', { ...LLAMA, categories: ['violence'] }],
    ['labels without an address', { format: 'tei', categories: ['X'] }],
    ['labels that nobody says which of', { format: 'tei', url: 'http://classifier' }],
    ['labels with a model', { ...TEI, model: 'guardian' }]
  ] as const) {
    it(`does not take ${what}`, () => {
      assert.throws(() => make('classifier', options), /llama-guard|tei/)
    })
  }

  describe('llama-guard', () => {
    const asking = (said: string) => {
      const asked: Parameters<NonNullable<Tools['ask']>>[0][] = []
      const ask: Tools['ask'] = async question => {
        asked.push(question)
        return said
      }
      return { asked, ask: ask! }
    }
    const of = async (said: string, options = {}) => {
      const found = await judged('classifier', { ...LLAMA, ...options }, [passage('a text')], asking(said))
      return found.map(({ rule }) => rule)
    }

    for (const [said, rules] of [
      ['safe', []],
      ['\n\nsafe\n', []],
      ['\n\nunsafe\nS1', ['classifier.s1']],
      ['unsafe\nS1,S10', ['classifier.s1', 'classifier.s10']],
      ['Unsafe\n S14 , s2 ', ['classifier.s14', 'classifier.s2']],
      ['unsafe', ['classifier.unsafe']]
    ] as const) {
      it(`understands ${JSON.stringify(said)}`, async () => assert.deepEqual(await of(said), rules))
    }

    it('leaves out what does not count, but never what is unsafe in no way that is said', async () => {
      assert.deepEqual(await of('unsafe\nS1,S10', { categories: ['s10'] }), ['classifier.s10'])
      assert.deepEqual(await of('unsafe\nS1', { categories: ['S10'] }), [])
      assert.deepEqual(await of('unsafe', { categories: ['S10'] }), ['classifier.unsafe'])
    })

    for (const said of [
      '',
      'I cannot judge that.',
      'safe, I think',
      'unsafe\nviolence',
      'safe\nS1',
      'unsafe or safe'
    ]) {
      it(`takes ${JSON.stringify(said)} for no verdict`, () => assert.rejects(of(said), /no verdict/))
    }

    it('is asked about everything at once, charged as a guard', async () => {
      const { asked, ask } = asking('safe')
      const passages = [passage('one'), passage('two', { role: 'tool', kind: 'tool-result' })]
      await judged('classifier', LLAMA, passages, { ask })
      assert.deepEqual(
        asked.map(({ model, text, purpose }) => ({ model, text, purpose })),
        [{ model: 'guardian', text: 'one\n\ntwo', purpose: 'guard' }]
      )
      await assert.rejects(judged('classifier', LLAMA, passages, {}), /nobody to ask/)
    })
  })

  describe('labels', () => {
    const scores = (list: Record<string, number>) => Object.entries(list).map(([label, score]) => ({ label, score }))

    it('tei: every text in a list of its own, so that two are no pair', async () => {
      const { asked, post } = service(() => [scores({ BENIGN: 0.9 }), scores({ malicious: 0.8, 'odd label!': 0.6 })])
      const passages = [passage('one'), passage(' '), passage('two')]
      const found = await judged('classifier', { ...TEI, key: 'hf_x' }, passages, { post })
      assert.deepEqual(
        found.map(({ rule, score }) => [rule, score]),
        [
          ['classifier.malicious', 0.8],
          ['classifier.odd_label_', 0.6]
        ]
      )
      assert.deepEqual(JSON.parse(asked[0]!.body), { inputs: [['one'], ['two']], truncate: false })
      assert.deepEqual(asked[0]!.headers, { authorization: 'Bearer hf_x' })
    })

    it('huggingface: one text at a time, answered in either shape', async () => {
      const { asked, post } = service(({ inputs }) =>
        inputs === 'one' ? [scores({ INJECTION: 0.4, JAILBREAK: 0.1 })] : scores({ INJECTION: 0.7, JAILBREAK: 0.2 })
      )
      const of = async (options: object) =>
        judged('classifier', { ...ENDPOINT, ...options }, [passage('one'), passage('two')], { post })
      assert.deepEqual(
        (await of({})).map(({ rule, score }) => [rule, score]),
        [['classifier.injection', 0.7]]
      )
      assert.deepEqual(await of({ threshold: 0.71 }), [])
      assert.equal((await of({ threshold: 0.2 })).length, 2)
      assert.deepEqual(JSON.parse(asked[0]!.body), { inputs: 'one' })
      assert.deepEqual(asked[0]!.headers, {})
    })

    for (const [what, answer] of [
      ['an object', { error: 'x' }],
      ['one list for two texts', [scores({ BENIGN: 1 })]],
      ['labels without scores', [[{ label: 'BENIGN' }], [{ label: 'BENIGN' }]]]
    ] as const) {
      it(`${what} is no answer`, () => {
        const asked = judged('classifier', TEI, [passage('one'), passage('two')], { post: async () => answer })
        return assert.rejects(asked, /something else than labels/)
      })
    }
  })
})
