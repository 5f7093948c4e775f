import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorsPage, PAGE_PATH } from '../../scripts/errors-page.ts'
import { CODES } from '../../src/errors.ts'

test('docs/reference/errors.md is what the table of codes says', () => {
  assert.equal(readFileSync(PAGE_PATH, 'utf8'), errorsPage(), 'run `npm run docs`')
})

test('every code has a section, and every section a code', () => {
  const page = readFileSync(PAGE_PATH, 'utf8')
  const sections = [...page.matchAll(/^## (\w+)$/gm)].map(match => match[1])
  assert.deepEqual(sections, Object.keys(CODES))
})

test('every code is used, and nothing else is', () => {
  const texts = globSync('src/**/*.ts')
    .filter(file => file !== 'src/errors/codes.ts')
    .map(file => readFileSync(file, 'utf8'))
  const used = new Set(
    texts.flatMap(text =>
      [...text.matchAll(/'([a-z]+(?:_[a-z]+)+|overloaded|draining|internal|conflict)'/g)].map(match => match[1])
    )
  )
  assert.deepEqual(
    Object.keys(CODES).filter(code => !used.has(code)),
    [],
    'codes that nothing raises'
  )
})
