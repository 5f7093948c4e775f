/** What a request row has beside its money, where a test is not about it. */
export const NO_FACTS = {
  finish: null,
  app: null,
  trace: null,
  parent: null,
  admittedMs: null,
  guardMs: null,
  waitedMs: null,
  heldMs: null,
  cache: null,
  savedNano: null,
  savedMs: null,
  promptSavedNano: null,
  verdicts: [],
  details: null
}
