import type { Listen } from '../config/index.ts'

/** Why we cannot listen there, in words and with what helps. */
export function listenProblem(thrown: unknown, { host, port }: Listen): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  if (code === 'EADDRINUSE')
    return new Error(`port ${port} on ${host} is taken; choose another (--port), 0 takes a free one`)
  if (code === 'EACCES') return new Error(`port ${port} on ${host} is not ours to open; choose one above 1023 (--port)`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new Error(`${host} is no address of this machine (--host)`)
  return thrown
}
