import { allowsModel, allowsProvider, type Caller } from '../access/caller.ts'
import { keepFeedback } from '../build/feedback.ts'
import { type ListedModel, noteRefused, type Plan, type Plant, ROUTE_OWNER } from '../build.ts'
import type { Hall } from '../endpoints/endpoint.ts'
import { KEEP_ALIVE_MS } from '../endpoints/keep-alive.ts'
import { handle } from '../gateway.ts'
import { authenticate } from '../stages/authenticate.ts'

/** For a client's body to arrive; a 40 MB body over a slow line takes its time. */
const BODY_TIMEOUT_MS = 300_000

/** What the doors see of a plan. */
export function hallOf(plan: Plan, plant: Plant, keepAliveMs = KEEP_ALIVE_MS): Hall {
  return {
    handle: call => handle(call, plan.rooms),
    refused: (id, dialect, failure) => noteRefused(id, dialect.name, failure, plant),
    authenticate: knock => authenticate(knock, { keys: plan.keys, nowMs: () => plant.clock.wallMs() }),
    models: caller => (caller.scopes.length === 0 ? plan.models : plan.models.filter(model => mayList(caller, model))),
    feedback: (caller, row) => keepFeedback(caller, row, plant),
    newId: () => plant.random.id(),
    clock: plant.clock,
    bodyLimits: { bytesMax: plan.config.limits.bodyBytesMax, timeoutMs: BODY_TIMEOUT_MS },
    depthMax: plan.config.limits.depthMax,
    keepAliveMs
  }
}

function mayList(caller: Caller, { id, owner }: ListedModel): boolean {
  return allowsModel(caller, [id]) && (owner === ROUTE_OWNER || allowsProvider(caller, owner))
}
