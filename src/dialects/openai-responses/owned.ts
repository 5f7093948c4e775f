import { below, idsAt, type OwnedLens, type Place, place } from '../owned.ts'

/** An item of the conversation, in a request or in a reply: what a client was given, it sends back. */
const IN_ITEM = [place('container', 'container_id'), place('container', 'environment.container_id')]
const IN_CONTENT = [place('file', 'content[].file_id'), place('file', 'output[].file_id')]
const IN_TOOL = [
  ...IN_ITEM,
  place('container', 'container'),
  place('file', 'container.file_ids[]'),
  place('file', 'environment.file_ids[]'),
  place('file', 'input_image_mask.file_id')
]
/** What a request says of the whole call, and its reply repeats. */
const IN_CALL = [
  place('response', 'previous_response_id'),
  place('conversation', 'conversation.id'),
  place('file', 'prompt.variables.*.file_id'),
  ...below('tools.[]', IN_TOOL)
]
const IN_REQUEST = [
  ...IN_CALL,
  place('conversation', 'conversation'),
  ...below('input.[]', [...IN_ITEM, ...IN_CONTENT])
]
/** Citations name files too; they are for reading, and no request refers to anything by them. */
const IN_RESPONSE = [...IN_CALL, ...below('instructions.[]', IN_CONTENT), ...below('output.[]', IN_ITEM)]

/** A whole reply, the events that hold one, those of an item, and a list of items. */
function inReply(response: readonly Place[]): Place[] {
  return [
    ...response,
    ...below('response', response),
    ...below('item', IN_ITEM),
    ...below('data.[]', [...IN_ITEM, ...IN_CONTENT])
  ]
}

const REPLY_MARKS = ['"response"', '"response.deleted"', '"container_id"', '"file_id"']
const KEPT = inReply([place('response', 'id'), ...IN_RESPONSE])
const NOT_KEPT = inReply(IN_RESPONSE)
const MARKS = ['"previous_response_id"', '"conversation"', '"container"', '"container_id"', '"file_id"', '"file_ids"']
/** Who runs code is told of the container. */
const REFERRING = [...MARKS, '"code_interpreter"', '"environment"']

/**
 * Answers that are kept (all, unless `store` says no: https://platform.openai.com/docs/api-reference/responses/create),
 * conversations, containers and files.
 */
export const owned: OwnedLens = {
  marks: MARKS,
  inRequest: body => idsAt(body, IN_REQUEST),
  inReplies(request) {
    const isKept = !request.has('store') || request.get('store') !== false
    if (!isKept && !REFERRING.some(mark => request.bytes.includes(mark))) return undefined
    const places = isKept ? KEPT : NOT_KEPT
    return { marks: REPLY_MARKS, in: data => idsAt(data, places) }
  }
}
