/**
 * The floors of the house (docs/ARCHITECTURE.md). A name is a folder of src/, a file of src/ without `.ts`, or both:
 * `config.ts` and `config/` are one room. An import goes down a floor or stays in its room.
 * A new room gets its line here, on the lowest floor that its imports allow.
 */
export const FLOORS: Readonly<Record<string, number>> = {
  main: 9,
  cli: 8,
  server: 7,
  endpoints: 6,
  admin: 6,
  build: 5,
  gateway: 4,
  config: 4,
  simulate: 4,
  stages: 3,
  access: 2,
  providers: 2,
  routing: 2,
  guards: 2,
  cache: 2,
  money: 2,
  records: 2,
  telemetry: 2,
  sim: 2,
  catalog: 1,
  dialects: 1,
  stores: 1,
  wire: 1,
  'cache-rules': 0,
  clock: 0,
  errors: 0,
  fields: 0,
  json: 0,
  'json-scan': 0,
  'json-strings': 0,
  log: 0,
  nano: 0,
  nearest: 0,
  random: 0,
  residency: 0,
  secret: 0,
  units: 0,
  usage: 0,
  version: 0,
  workers: 0
}

/** What a room must not import although it lies below. `sim` tests the others, so it shares nothing with them (D5). */
export const APART: Readonly<Record<string, readonly string[]>> = {
  sim: ['dialects', 'providers', 'money', 'wire', 'stages', 'catalog']
}
