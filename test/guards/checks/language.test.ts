/** Texts of everyday life in 27 languages: which is said, and which not where nobody can. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { check } from '../../../src/guards/checks/language.ts'
import type { Passage, Subject, Tools } from '../../../src/guards/guard.ts'
import { detect, LANGUAGES } from '../../../src/guards/language/detect.ts'

const TEXTS = JSON.parse(readFileSync(new URL('../../fixtures/languages.json', import.meta.url), 'utf8')) as Record<
  string,
  string[]
>

const passage = (text: string, more: Partial<Passage> = {}): Passage => {
  return { side: 'request', role: 'user', kind: 'text', path: 'messages[0].content', text, sealed: false, ...more }
}
const judged = (options: object, ...passages: Passage[]) => {
  const { judge } = check.create(check.options.parse(options))
  return judge!({ passages } as unknown as Subject, {} as Tools, new AbortController().signal)
}

test('almost every text of two languages in three is told, and none is taken for another', () => {
  const all = Object.entries(TEXTS).flatMap(([language, texts]) => texts.map(text => ({ language, text })))
  const told = all.map(one => ({ ...one, said: detect(one.text)?.language }))
  const wrong = told.filter(({ language, said }) => said !== undefined && said !== language)
  assert.deepEqual(
    wrong.map(({ language, said, text }) => `${language} as ${said}: ${text}`),
    []
  )
  const silent = told.filter(({ said }) => said === undefined)
  assert.ok(silent.length <= all.length * 0.05, silent.map(({ language, text }) => `${language}: ${text}`).join('\n'))
  assert.ok(Object.keys(TEXTS).every(language => LANGUAGES.includes(language)))
})

test('what is allowed passes; what is not is named, with its place and never its text', async () => {
  const german = passage(TEXTS.de![0]!, { path: 'messages[1].content' })
  const [finding, ...others] = await judged({ allow: ['en'] }, passage(TEXTS.en![0]!), german)
  assert.deepEqual(others, [])
  assert.equal(finding?.rule, 'language.de')
  assert.equal(finding.path, 'messages[1].content')
  assert.doesNotMatch(JSON.stringify(finding), /Hamburg/)
  assert.deepEqual(await judged({ allow: ['en', 'de'] }, german), [])
})

test('short texts, programs, data, system prompts and names say nothing', async () => {
  const quiet = [
    passage('Guten Tag!'),
    passage('```\nfür jeden Eintrag in der Liste und nicht in der Tabelle: das ist kein Deutsch\n```'),
    passage(TEXTS.fr![0]!, { role: 'system' }),
    passage(TEXTS.fr![0]!, { kind: 'tool-description' }),
    passage('4f2a9c 88123 x=17; y=22; 0x7fff 2026-11-23T10:00:00Z 10.0.0.1 abc123 def456 ghi789')
  ]
  for (const one of quiet) assert.deepEqual(await judged({ allow: ['en'] }, one), [], one.text)
  const mixed = passage('zzxq wvut prst qqkk llmn bbvv zzxq wvut prst qqkk llmn bbvv zzxq wvut prst')
  assert.deepEqual(await judged({ allow: ['en'] }, mixed), [])
  assert.equal((await judged({ allow: ['en'], unknown: 'find' }, mixed))[0]?.rule, 'language.unknown')
})

test('a text of megabytes is read by its beginning', () => {
  const started = performance.now()
  assert.equal(detect(`${TEXTS.es!.join(' ')} `.repeat(10_000))?.language, 'es')
  assert.ok(performance.now() - started < 2_000)
})
