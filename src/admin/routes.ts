import { adminRoutes } from './admins.ts'
import { auditRoutes } from './audit.ts'
import { budgetRoutes } from './budgets.ts'
import { cacheRoutes } from './cache.ts'
import { eraseRoutes } from './erase.ts'
import { explainRoutes } from './explain.ts'
import { guardRateRoutes } from './guard-rates.ts'
import { guardRoutes } from './guards.ts'
import { keyRoutes } from './keys.ts'
import { ledgerRoutes } from './ledger.ts'
import { limitRoutes } from './limits.ts'
import { logRoutes } from './logs.ts'
import { priceRoutes } from './prices.ts'
import { replayRoutes } from './replay.ts'
import type { Route } from './route.ts'
import { selfRoutes } from './self.ts'
import { sessionRoutes } from './sessions.ts'
import { simulateRoutes } from './simulate.ts'
import { tenantRoutes } from './tenants.ts'
import { usageRoutes } from './usage.ts'
import { viewRoutes } from './views.ts'

/** All of the admin API, in the order of its reference. */
export const routes: readonly Route[] = [
  ...selfRoutes(() => routes),
  ...keyRoutes,
  ...tenantRoutes,
  ...budgetRoutes,
  ...limitRoutes,
  ...priceRoutes,
  ...usageRoutes,
  ...logRoutes,
  ...replayRoutes,
  ...sessionRoutes,
  ...viewRoutes,
  ...ledgerRoutes,
  ...auditRoutes,
  ...adminRoutes,
  ...cacheRoutes,
  ...eraseRoutes,
  ...explainRoutes,
  ...simulateRoutes,
  ...guardRoutes,
  ...guardRateRoutes
]
