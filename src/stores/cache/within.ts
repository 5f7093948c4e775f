/** Rejects where it takes longer: a cache that is slow has nothing. What was begun goes on, and nobody hears of it. */
export async function within<T>(deadlineMs: number, work: Promise<T>, what: string): Promise<T> {
  let late: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`${what} did not answer within ${deadlineMs} ms`))
    // An answer that came while this process itself was busy is read before it is called late.
    late = setTimeout(() => setImmediate(fail), deadlineMs)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(late)
    work.catch(() => {})
  }
}
