import { adminRoutes } from './admins.ts'
import { auditRoutes } from './audit.ts'
import { budgetRoutes } from './budgets.ts'
import { explainRoutes } from './explain.ts'
import { keyRoutes } from './keys.ts'
import { ledgerRoutes } from './ledger.ts'
import { limitRoutes } from './limits.ts'
import { priceRoutes } from './prices.ts'
import type { Route } from './route.ts'
import { selfRoutes } from './self.ts'
import { tenantRoutes } from './tenants.ts'
import { usageRoutes } from './usage.ts'

/** All of the admin API, in the order of its reference. */
export const routes: readonly Route[] = [
  ...selfRoutes(() => routes),
  ...keyRoutes,
  ...tenantRoutes,
  ...budgetRoutes,
  ...limitRoutes,
  ...priceRoutes,
  ...usageRoutes,
  ...ledgerRoutes,
  ...auditRoutes,
  ...adminRoutes,
  ...explainRoutes
]
