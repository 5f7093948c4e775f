import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors.ts'
import type { Outcome, Sink } from '../../src/wire/frames.ts'

/** Remembers what it is told; says `accepting` to every frame. */
export class RecordingSink<F> implements Sink<F> {
  readonly frames: F[] = []
  readonly outcomes: Outcome[] = []
  accepting = true
  /** Told to wait since this was last cleared. */
  refused = false
  frame(frame: F): boolean {
    assert.equal(this.outcomes.length, 0, 'no frame after close')
    this.frames.push(frame)
    if (!this.accepting) this.refused = true
    return this.accepting
  }
  close(outcome: Outcome): void {
    this.outcomes.push(outcome)
  }
}

export interface SinkSubject<F> {
  /** The Sink under test, in front of `inner`. */
  make(inner: Sink<F>): Sink<F>
  /** The nth of a row of frames that the Sink would meet in life. */
  frame(nth: number): F
}

/** What every Sink around a Sink keeps (D10), registered as tests. */
export function sinkConformance<F>(name: string, { make, frame }: SinkSubject<F>): void {
  const set = () => {
    const inner = new RecordingSink<F>()
    return { inner, sink: make(inner) }
  }
  const failure = new Failure('provider_truncated', 'cut')
  const outcomes: Outcome[] = [{ how: 'done' }, { how: 'failed', failure }, { how: 'aborted' }]

  for (const outcome of outcomes) {
    for (const count of [0, 1, 3]) {
      test(`${name}: closes once with ${outcome.how} after ${count} frames, and nothing comes after it`, () => {
        const { inner, sink } = set()
        for (let nth = 0; nth < count; nth++) assert.equal(sink.frame(frame(nth)), true)
        sink.close(outcome)
        assert.equal(inner.outcomes.length, 1)
        const [first] = inner.outcomes
        const frames = inner.frames.length
        sink.frame(frame(count))
        for (const again of outcomes) sink.close(again)
        sink.frame(frame(count + 1))
        assert.deepEqual([inner.frames.length, inner.outcomes.length], [frames, 1])
        assert.equal(inner.outcomes[0], first)
        if (outcome.how !== 'done') assert.equal(first?.how, outcome.how, 'a bad end is never made a good one')
      })
    }
  }

  test(`${name}: passes "false" on, and takes frames that come in spite of it`, () => {
    const { inner, sink } = set()
    let nth = 0
    for (; nth < 5; nth++) assert.equal(sink.frame(frame(nth)), true)
    inner.accepting = false
    for (; nth < 10; nth++) {
      inner.refused = false
      const accepted = sink.frame(frame(nth))
      if (inner.refused) assert.equal(accepted, false)
    }
    inner.accepting = true
    for (; nth < 15; nth++) sink.frame(frame(nth))
    assert.equal(sink.frame(frame(nth)), true)
    sink.close({ how: 'done' })
    assert.equal(inner.outcomes.length, 1)
  })

  test(`${name}: a close from within a frame is the only one`, () => {
    const closing = new (class extends RecordingSink<F> {
      override frame(each: F): boolean {
        const accepted = super.frame(each)
        if (this.outcomes.length === 0) sink.close({ how: 'aborted' })
        return accepted
      }
    })()
    const sink = make(closing)
    for (let nth = 0; nth < 5; nth++) sink.frame(frame(nth))
    sink.close({ how: 'done' })
    assert.equal(closing.outcomes.length, 1)
  })
}
