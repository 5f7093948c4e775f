import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern, TEXT_MAX } from '../../src/routing/pattern.ts'

test('a pattern finds what it describes, anywhere in the text', () => {
  assert.equal(compilePattern('^gpt-').test('gpt-5.5'), true)
  assert.equal(compilePattern('mini$').test('gpt-5.5'), false)
  assert.equal(compilePattern('(?i)CLAUDE').test('my claude'), true)
  assert.equal(compilePattern('^[😀-😎]+$').test('😀😎'), true)
})

test('patterns that take others for ever take no time', () => {
  const long = 'a'.repeat(TEXT_MAX)
  for (const source of ['(a+)+$b', '(a|aa)+$b', '(a*)*b', 'a*a*a*a*a*a*b', '(.*)(.*)(.*)(.*)x']) {
    const from = performance.now()
    assert.equal(compilePattern(source).test(long), false)
    assert.ok(performance.now() - from < 1_000, source)
  }
})

test('what cannot be matched in linear time, or at all, is refused with its reason', () => {
  for (const source of ['(a)\\1', '(?=a)', '(a', '[a', '*a', '[z-a]', '((a{90}){90}){90}', 'a'.repeat(2_000)]) {
    assert.throws(() => compilePattern(source), SyntaxError, source)
  }
})

test('a text beyond the limit never matches, so that nobody relies on its beginning', () => {
  assert.equal(compilePattern('a').test('a'.repeat(TEXT_MAX)), true)
  assert.equal(compilePattern('a').test('a'.repeat(TEXT_MAX + 1)), false)
})
