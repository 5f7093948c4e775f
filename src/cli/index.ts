// Written by `npm run generate` from the files of this folder. Do not edit.

export const commands = {
  admins: () => import('./admins.ts'),
  audit: () => import('./audit.ts'),
  budgets: () => import('./budgets.ts'),
  cache: () => import('./cache.ts'),
  check: () => import('./check.ts'),
  erase: () => import('./erase.ts'),
  explain: () => import('./explain.ts'),
  guards: () => import('./guards.ts'),
  init: () => import('./init.ts'),
  keys: () => import('./keys.ts'),
  limits: () => import('./limits.ts'),
  logs: () => import('./logs.ts'),
  prices: () => import('./prices.ts'),
  replay: () => import('./replay.ts'),
  schema: () => import('./schema.ts'),
  sim: () => import('./sim.ts'),
  simulate: () => import('./simulate.ts'),
  start: () => import('./start.ts'),
  teams: () => import('./teams.ts'),
  usage: () => import('./usage.ts')
} as const
