import * as z from 'zod'
import { checkKind, type Finding } from '../guard.ts'
import { type LinearPattern, linearPattern } from '../patterns/linear.ts'
import { PIECE_ACTIONS } from '../shapes/actions.ts'
import { asLabel, label, ruleName } from '../shapes/names.ts'

const pattern = z
  .strictObject({
    name: ruleName.describe('The rule is then called `regex.NAME`.'),
    pattern: z
      .string()
      .min(1)
      .describe('RE2’s syntax: no back-references, no lookaround. https://github.com/google/re2/wiki/Syntax'),
    label: label.optional().describe('What the placeholder says, as `CASE` in `[[CASE_1]]`. Default: the name.'),
    ignore_case: z.boolean().default(false).describe('Small and capital letters are the same.'),
    reason: z.string().min(1).max(200).optional().describe('What the caller is told.')
  })
  .describe('One pattern.')

const options = z.strictObject({
  patterns: z.array(pattern).min(1).max(200).describe('What to look for.'),
  longest: z
    .union([z.literal('whole'), z.int().min(1).max(100_000)])
    .default(256)
    .describe(
      'How many characters a match may have to be found in a stream: so much of it is held back. `whole` holds all, ' +
        'as do patterns with `^` or `$`.'
    )
})

interface Rule {
  rule: string
  label: string
  reason: string
  pattern: LinearPattern
}

/** Patterns of users, by an engine whose time is linear in the text: theirs are run as they stand, whoever wrote them. */
export const check = checkKind({
  name: 'regex',
  summary: 'Finds what matches patterns of your own.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: PIECE_ACTIONS,
  action: 'block',
  options,
  create({ patterns, longest }) {
    const rules = patterns.map(asRule)
    const isWhole = longest === 'whole' || rules.some(each => each.pattern.anchored)
    return {
      // One more: a `\b` at the end looks at the character after it.
      reach: isWhole ? 'whole' : longest + 1,
      find(text) {
        const findings: Finding[] = []
        for (const { rule, label, reason, pattern } of rules) {
          for (const { start, end } of pattern.all(text)) findings.push({ rule, start, end, score: 1, label, reason })
        }
        return findings
      }
    }
  }
})

function asRule(said: z.output<typeof pattern>): Rule {
  const { name, pattern: source, ignore_case: ignoreCase } = said
  try {
    return {
      rule: `regex.${name}`,
      label: said.label ?? asLabel(name),
      reason: said.reason ?? `holds what the pattern ${name} forbids`,
      pattern: linearPattern(source, { ignoreCase })
    }
  } catch (thrown) {
    throw new Error(`the pattern ${name} is none that RE2 takes: ${(thrown as Error).message}`)
  }
}
