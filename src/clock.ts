/** The only reader of time. Rooms receive a `Clock` as a value, so that tests can hold the hands. */
export interface Clock {
  /** Milliseconds since 1970 (UTC): for records that people read. Jumps when the machine's time is set. */
  wallMs(): number
  /** Milliseconds that only go forward, with fractions: for durations and deadlines. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now()
}
