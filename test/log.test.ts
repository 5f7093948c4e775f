import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLog } from '../src/log.ts'
import { Secret } from '../src/secret.ts'

function logged(format: 'json' | 'text', write: (log: ReturnType<typeof createLog>) => void, level = 'info'): string[] {
  const lines: string[] = []
  write(createLog({ level, format, to: { write: line => void lines.push(line) } }))
  return lines
}

test('json: one object a line, with level and time as text', () => {
  const [line = '', ...more] = logged('json', log => log.warn({ id: 'a', n: 1 }, 'call'))
  assert.equal(more.length, 0)
  const { time, ...rest } = JSON.parse(line)
  assert.deepEqual(rest, { level: 'warn', id: 'a', n: 1, msg: 'call' })
  assert.ok(Number.isFinite(Date.parse(time)))
})

test('text: time of day, level, message, then facts', () => {
  const [line = ''] = logged('text', log =>
    log.info({ id: 'a-1', status: 200, usage: { out: 2 }, model: 'lab/m' }, 'call')
  )
  assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} info {2}call id=a-1 status=200 usage={"out":2} model=lab\/m\n$/)
})

test('text: a value that could be taken for more than one is quoted', () => {
  const facts = {
    spaced: 'two words',
    forged: 'x\n12:00:00.000 info  call status=200',
    equals: 'a=b',
    empty: '',
    quote: '"'
  }
  const [line = '', ...more] = logged('text', log => log.info(facts, 'call'))
  assert.equal(more.length, 0)
  assert.ok(
    line.endsWith(
      String.raw`spaced="two words" forged="x\n12:00:00.000 info  call status=200" equals="a=b" empty="" quote="\""` +
        '\n'
    )
  )
})

test('text: whatever a stranger sends, it stays one line that no terminal obeys', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 40 })
  fc.assert(
    fc.property(anything, anything, (value, inside) => {
      const [line = '', ...more] = logged('text', log => log.info({ modelAsked: value, deep: [{ inside }] }, 'call'))
      assert.equal(more.length, 0)
      assert.ok(line.endsWith('\n'))
      assert.doesNotMatch(line.slice(0, -1), /[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/)
    })
  )
})

test('levels, and secrets that find their way in', () => {
  const key = new Secret('sk-0123456789abcd')
  for (const format of ['json', 'text'] as const) {
    const lines = logged(
      format,
      log => {
        log.info({ key }, 'not worth a line')
        log.error({ key }, 'worth one')
      },
      'warn'
    )
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /…abcd/)
    assert.doesNotMatch(lines[0] ?? '', /sk-0/)
  }
})
