import type { Failure } from '../errors.ts'

/** How a stream ended. `aborted`: the receiving side went away. */
export type Outcome =
  | { how: 'done' }
  | { how: 'failed'; failure: Failure }
  /** `drained`: the source was read on all the same, to its end (true) or to a limit (false). */
  | { how: 'aborted'; drained?: boolean }

/**
 * Frames are pushed (D10). A Source hands each frame to its one Sink; `frame` returning `false` asks it to pause until
 * `resume`. `destroy` gives the stream up from the receiving side: the Source frees its socket and closes the Sink
 * with `aborted` (or with the failure it is given).
 */
export interface Source<F> {
  start(sink: Sink<F>): void
  resume(): void
  destroy(reason?: Failure): void
}

/**
 * Receives frames. `close` comes exactly once, whatever happened, and nothing comes after it. A Sink may be handed
 * frames after it returned `false` (those already read), never without bound.
 */
export interface Sink<F> {
  frame(frame: F): boolean
  close(outcome: Outcome): void
}
