import { below, idsAt, type OwnedLens, place } from '../owned.ts'

/** The Files API names a file by its address; other addresses (`gs://`, YouTube) are nobody's here. */
const isFile = (text: string) => text.startsWith('gh_') || /^(?:https:\/\/[^/]+\/v1\w*\/)?files\/[^/]+$/.test(text)

/** Protocol buffers read a member in either spelling: https://protobuf.dev/programming-guides/json */
const IN_PART = ['fileData', 'file_data'].flatMap(data =>
  ['fileUri', 'file_uri'].map(uri => place('file', `${data}.${uri}`, isFile))
)
const IN_TURN = [
  ...below('parts.[]', IN_PART),
  ...['functionResponse', 'function_response'].flatMap(result => below(`parts.[].${result}.parts.[]`, IN_PART))
]
const IN_CALL = [
  place('cache', 'cachedContent'),
  place('cache', 'cached_content'),
  ...below('contents.[]', IN_TURN),
  ...['systemInstruction', 'system_instruction'].flatMap(name => below(name, IN_TURN))
]
const IN_REQUEST = [
  ...IN_CALL,
  ...['generateContentRequest', 'generate_content_request'].flatMap(name => below(name, IN_CALL))
]

/**
 * Uploaded files and cached contents: https://ai.google.dev/api/files, https://ai.google.dev/api/caching. Replies name
 * none.
 */
export const owned: OwnedLens = {
  marks: ['"fileUri"', '"file_uri"', '"cachedContent"', '"cached_content"'],
  inRequest: body => idsAt(body, IN_REQUEST)
}
