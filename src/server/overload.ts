import type { Plan, Plant } from '../build.ts'
import type { HttpServer } from '../wire/http.ts'
import { Shedding } from '../wire/shedding.ts'
import type { Vitals } from '../wire/vitals.ts'

/** Watches how the process feels, and turns new calls away while it has too much to do (D35). */
export function watchOverload(
  server: HttpServer,
  { clock, log, upstream }: Plant,
  of: { vitals: Vitals; plan(): Plan; inFlightBytesMax: number }
): Shedding {
  return new Shedding({
    vitals: of.vitals,
    limits: () => of.plan().config.overload,
    sockets: () => server.connections + upstream.sockets,
    inFlightShare: () => server.inFlightBytes / of.inFlightBytesMax,
    clock,
    log
  })
}
