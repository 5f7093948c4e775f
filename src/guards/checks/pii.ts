import * as z from 'zod'
import { checkKind } from '../guard.ts'
import { personal, TYPES } from '../pii/scan.ts'

/** The longest that is found is an e-mail address; characters without width between its own may make it longer. */
const REACH = 256

/** Not by default: addresses of pages are no secret of a person, as a rule. */
const OPTIONAL: ReadonlySet<string> = new Set(['url'])

const options = z.strictObject({
  types: z
    .array(z.enum(TYPES as [string, ...string[]]))
    .min(1)
    .default(TYPES.filter(type => !OPTIONAL.has(type)))
    .describe('What is looked for. By default everything but `url`.'),
  except: z
    .array(z.enum(TYPES as [string, ...string[]]))
    .default([])
    .describe('What is left out of `types`.')
})

/** Numbers and addresses that belong to a person. Names and postal addresses have no pattern: see the guide. */
export const check = checkKind({
  name: 'pii',
  summary:
    'Finds personal data that has a form: cards, accounts, e-mail addresses, phone numbers, national ids, addresses of machines and wallets, dates of birth. Not names, and not postal addresses.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'restore',
  options,
  create({ types, except }) {
    const wanted = new Set(types.filter(type => !except.includes(type)))
    return {
      reach: REACH,
      find: text =>
        personal(text, wanted).map(({ type, start, end, score }) => ({
          rule: `pii.${type}`,
          start,
          end,
          score,
          label: type.toUpperCase(),
          reason: `The text holds personal data (${type}).`
        }))
    }
  }
})
