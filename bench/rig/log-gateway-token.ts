export const ADMIN_TOKEN = 'gh_admin_of-the-bench'

/** What the gateway under the bench says to who started it. */
export interface Told {
  url?: string
  /** The longest that its event loop was held since it was asked the last time, in milliseconds. */
  held?: { byClockMs: number; byWorkMs: number }
}
