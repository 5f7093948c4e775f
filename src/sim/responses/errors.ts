import { isObject } from '../json.ts'
import { errorNamed, invalid } from '../openai/errors.ts'
import type { Refusal } from '../refusal.ts'
import type { ErrorName, Frame } from '../voice.ts'

/** OpenAI's errors; two of them speak of `input` here, where chat completions speak of messages. */
export function responsesError(name: ErrorName, model: string): Refusal {
  if (name === 'context-length') {
    return invalid('Your input exceeds the context window of this model. Please adjust your input and try again.', {
      param: 'input',
      code: 'context_length_exceeded'
    })
  }
  if (name === 'prefill') {
    return invalid('The last item must not be an assistant message: this model does not continue them.', {
      param: 'input'
    })
  }
  return errorNamed(name, model)
}

/** An `error` event, then the failed response where the stream had told of one. */
export function errorFrames(refusal: Refusal, before: readonly Frame[]): Frame[] {
  const { message, type, code, param } = refusal
  const error = { type, code, message, param }
  const frames: Frame[] = [
    {
      kind: 'end',
      event: 'error',
      data: JSON.stringify({ type: 'error', sequence_number: before.length, error })
    }
  ]
  const first = before[0] === undefined ? undefined : JSON.parse(before[0].data)
  if (isObject(first) && isObject(first.response)) {
    const response = { ...first.response, status: 'failed', error: { code: code ?? type, message } }
    const data = { type: 'response.failed', sequence_number: before.length + 1, response }
    frames.push({ kind: 'end', event: 'response.failed', data: JSON.stringify(data) })
  }
  return frames
}
