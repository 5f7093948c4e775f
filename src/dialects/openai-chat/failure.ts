import type { Failure } from '../../errors.ts'
import type { WriteEvent } from '../dialect.ts'
import { encodeError } from '../openai-failure.ts'

/** The same inside a stream; OpenAI's SDKs throw on data with an `error`. */
export function encodeStreamError(failure: Failure, requestId: string, write: WriteEvent): string {
  return write('', JSON.stringify(encodeError(failure, requestId)))
}
