import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SinkGuard } from '../../src/wire/sinks.ts'
import { RecordingSink, sinkConformance } from './sink-conformance.ts'

sinkConformance<number>('SinkGuard', { make: inner => new SinkGuard(inner), frame: nth => nth })

test('SinkGuard: frames go through as they are', () => {
  const inner = new RecordingSink<string>()
  const guard = new SinkGuard(inner)
  guard.frame('a')
  guard.frame('b')
  assert.equal(guard.closed, false)
  guard.close({ how: 'done' })
  assert.equal(guard.closed, true)
  assert.deepEqual(inner.frames, ['a', 'b'])
})
