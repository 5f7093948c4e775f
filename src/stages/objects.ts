import { unknownObject } from '../access/owned.ts'
import { dialects } from '../dialects/index.ts'
import type { Provider } from '../providers/provider.ts'
import type { AttemptRooms } from './attempt-rooms.ts'
import type { Call, KeptObject } from './call.ts'
import { type Prepared, requestHeaders } from './prepare.ts'

/**
 * A call about something that its provider keeps, made ready: a path, and no body. Failure `unknown_object` where the
 * provider does not speak the call's dialect any more.
 */
export function prepareObject(
  call: Call,
  object: KeptObject,
  provider: Provider,
  rooms: AttemptRooms,
  id: string
): Prepared {
  const { dialect } = call
  const endpoint = provider.endpoints.find(each => dialects[each.dialect] === dialect)
  if (!endpoint) throw unknownObject(object.kind)
  const { userAgent } = rooms
  return {
    dialect,
    endpoint,
    method: object.method,
    path: object.path(object.id),
    headers: requestHeaders(call, { dialect, provider, endpoint, userAgent, attemptId: id }),
    body: undefined,
    losses: [],
    touches: [],
    native: true,
    request: undefined,
    hideUsage: false,
    choices: 1
  }
}
