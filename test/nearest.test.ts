import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearest } from '../src/nearest.ts'

test('one slip of the fingers is found: a letter wrong, missing, too many, or two swapped', () => {
  const names = ['guards', 'limits', 'timeouts', 'claude-opus-4-7', 'gpt-5.5']
  for (const [typed, meant] of Object.entries({
    guarsd: 'guards',
    limts: 'limits',
    timeoutss: 'timeouts',
    'claude-opus-4.7': 'claude-opus-4-7',
    'GPT-5.5': 'gpt-5.5'
  })) {
    assert.equal(nearest(typed, names)[0], meant)
  }
  assert.deepEqual(nearest('elephant', names), [])
})

test('the nearest come first, and no more than asked for', () => {
  assert.deepEqual(nearest('route-1', ['route-9', 'route-1', 'route-22', 'other'], 2), ['route-1', 'route-9'])
})

test('a name of some length with one edit always finds its way back', () => {
  const word = fc.stringMatching(/^[a-z]{6,12}$/)
  fc.assert(
    fc.property(word, fc.nat({ max: 5 }), fc.constantFrom('drop', 'double', 'swap'), (name, at, edit) => {
      const letters = [...name]
      if (edit === 'drop') letters.splice(at, 1)
      else if (edit === 'double') letters.splice(at, 0, letters[at]!)
      else letters.splice(at, 2, ...letters.slice(at, at + 2).reverse())
      assert.deepEqual(nearest(letters.join(''), [name]), [name])
    })
  )
})
