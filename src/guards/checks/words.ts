import * as z from 'zod'
import { checkKind } from '../guard.ts'
import { WordList } from '../patterns/word-list.ts'
import { PIECE_ACTIONS } from '../shapes/actions.ts'
import { label, ruleName } from '../shapes/names.ts'

const options = z.strictObject({
  name: ruleName.default('list').describe('The rule is then called `words.NAME`.'),
  words: z.array(z.string().min(1).max(200)).min(1).max(50_000).describe('Words and phrases, in any case.'),
  whole_words: z
    .boolean()
    .default(true)
    .describe('`ass` is not found in `class`. In scripts without spaces (Han, Kana, Thai…) words are found anywhere.'),
  ignore_accents: z.boolean().default(true).describe('`cafe` finds `café` too, and the other way round.'),
  label: label.default('WORD').describe('What the placeholder says, as `WORD` in `[[WORD_1]]`.'),
  reason: z.string().min(1).max(200).optional().describe('What the caller is told.')
})

/** Invisible characters and long spaces within a match count too, so more is held back than a word has letters. */
const SLACK_FACTOR = 4
const SLACK = 32

/** Lists of words and phrases, found as people read them: case, width, invisible characters make no difference. */
export const check = checkKind({
  name: 'words',
  summary: 'Finds words and phrases of your own lists.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: PIECE_ACTIONS,
  action: 'block',
  options,
  create(said) {
    const list = new WordList(said.words, { wholeWords: said.whole_words, ignoreAccents: said.ignore_accents })
    const about = {
      rule: `words.${said.name}`,
      score: 1,
      label: said.label,
      reason: said.reason ?? `holds a word of the list ${said.name}`
    }
    return {
      reach: list.longest * SLACK_FACTOR + SLACK,
      find: text => list.find(text).map(({ start, end }) => ({ ...about, start, end }))
    }
  }
})
