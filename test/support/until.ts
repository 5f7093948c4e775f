const POLL_MS = 5

/** Resolves as soon as it holds; rejects after a bound that only a fault reaches. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, withinMs = 60_000): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}
