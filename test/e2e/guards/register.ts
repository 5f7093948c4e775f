import * as z from 'zod'
import { checks } from '../../../src/guards/checks/index.ts'
import { type Check, type CheckKind, checkKind, type Finding, type Passage } from '../../../src/guards/guard.ts'
import { EMAIL } from '../../guards/kit.ts'

type Judge = NonNullable<Check['judge']>

/** Imported before the gateway: a check of the tests' own, whose findings nobody has to guess at. */
const check = checkKind({
  name: 'test',
  summary: 'Finds what looks like an e-mail address.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options: z.strictObject({
    whole: z.boolean().default(false).describe('Judges the whole alone.'),
    asks: z.string().optional().describe('A model that is asked to say the words back.'),
    embeds: z.string().optional().describe('A model that is asked for vectors.'),
    broken: z.boolean().default(false).describe('Always fails.')
  }),
  create: ({ whole, broken, asks, embeds }) => {
    if (asks !== undefined) return { reach: 'whole', judge: asking(asks) }
    if (embeds !== undefined) return { reach: 'whole', judge: embedding(embeds) }
    if (broken) return { reach: 0, judge: () => Promise.reject(new Error('It is broken.')) }
    return whole ? { reach: 'whole', judge: ({ passages }) => passages.flatMap(found) } : EMAIL
  }
})

function found({ text, path, ...place }: Passage): Finding[] {
  return EMAIL.find!(text, { ...place, path }).map(finding => ({ ...finding, path }))
}

Object.assign(checks as Record<string, CheckKind>, { test: check })

const asking =
  (model: string): Judge =>
  async (_, { ask }, signal) => {
    const said = await ask!({ model, text: 'ann@example.com is a word', purpose: 'test', signal })
    return said === 'ann@example.com is a word' ? [] : [{ rule: 'test.ask', score: 1, reason: said }]
  }

const embedding =
  (model: string): Judge =>
  async (_, { embed }, signal) => {
    const vectors = await embed!({ model, texts: ['one', 'two'], purpose: 'test', signal })
    return vectors.length === 2 && vectors[0]!.length > 2 ? [] : [{ rule: 'test.embed', score: 1 }]
  }
