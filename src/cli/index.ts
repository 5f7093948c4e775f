// Written by `npm run generate` from the files of this folder. Do not edit.

export const commands = {
  check: () => import('./check.ts'),
  explain: () => import('./explain.ts'),
  init: () => import('./init.ts'),
  schema: () => import('./schema.ts'),
  sim: () => import('./sim.ts'),
  start: () => import('./start.ts')
} as const
