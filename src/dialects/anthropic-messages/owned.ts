import type { JsonBody } from '../../json.ts'
import { below, idsAt, type OwnedLens, place } from '../owned.ts'

/** Blocks of both sides: what code execution wrote comes back in the next request as it was. */
const IN_BLOCK = [
  place('file', 'file_id'),
  place('file', 'source.file_id'),
  place('file', 'content[].source.file_id'),
  place('file', 'content.content[].file_id')
]
const IN_REQUEST = [
  place('container', 'container'),
  place('container', 'container.id'),
  ...below('messages.[].content.[]', IN_BLOCK)
]
const IN_REPLY = [
  place('container', 'container.id'),
  ...below('content.[]', IN_BLOCK),
  // Events: message_start, message_delta, content_block_start.
  place('container', 'message.container.id'),
  place('container', 'delta.container.id'),
  ...below('content_block', IN_BLOCK)
]
const MARKS = ['"container"', '"file_id"']

/** Only who runs code, or goes on in a container, is told of one. */
const RUNS_CODE = ['"container"', '"code_execution']

/** Files and containers: https://docs.anthropic.com/en/docs/build-with-claude/files, …/agents-and-tools/tool-use/code-execution-tool */
export const owned: OwnedLens = {
  marks: MARKS,
  inRequest: body => idsAt(body, IN_REQUEST),
  inReplies: ({ bytes }: JsonBody) =>
    RUNS_CODE.some(mark => bytes.includes(mark)) ? { marks: MARKS, in: data => idsAt(data, IN_REPLY) } : undefined
}
