import { idsAt, type OwnedLens, place } from '../owned.ts'

const IN_REQUEST = [place('file', 'messages[].content[].file.file_id'), place('file', 'messages[].content[].file_id')]

/** Files that messages refer to: https://platform.openai.com/docs/guides/pdf-files. Replies name nothing that is kept. */
export const owned: OwnedLens = {
  marks: ['"file_id"'],
  inRequest: body => idsAt(body, IN_REQUEST)
}
