import { invalid } from './errors.ts'
import type { ContentBlock, MessagesRequest } from './schema.ts'

const MARKS_MAX = 4

export interface Mark {
  path: string
  ttl: '5m' | '1h'
}

type Marked = { cache_control?: { ttl?: '5m' | '1h' | undefined } | null | undefined }

/** At most four marks, and none that lives longer after one that lives shorter. */
export function checkCacheMarks(request: MessagesRequest): void {
  const marks = marksOf(request)
  if (marks.length > MARKS_MAX) {
    throw invalid(`A maximum of ${MARKS_MAX} blocks with cache_control may be provided. Found ${marks.length}.`)
  }
  const firstShort = marks.findIndex(mark => mark.ttl === '5m')
  const lateLong = firstShort < 0 ? undefined : marks.slice(firstShort).find(mark => mark.ttl === '1h')
  if (!lateLong) return
  throw invalid(
    `${lateLong.path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control ` +
      'block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.'
  )
}

function marksOf(request: MessagesRequest): Mark[] {
  const marks: Mark[] = []
  const look = (block: object, path: string): void => {
    const control = (block as Marked).cache_control
    if (control) marks.push({ path, ttl: control.ttl ?? '5m' })
  }
  const system = typeof request.system === 'object' ? request.system : []
  for (const [index, tool] of (request.tools ?? []).entries()) look(tool, `tools.${index}`)
  for (const [index, block] of system.entries()) look(block, `system.${index}`)
  request.messages.forEach(({ content }, index) => {
    if (typeof content === 'string') return
    for (const [at, block] of content.entries()) lookInside(block, `messages.${index}.content.${at}`, look)
  })
  look(request, 'cache_control')
  return marks
}

function lookInside(block: ContentBlock, path: string, look: (block: object, path: string) => void): void {
  if (block.type === 'tool_result' && Array.isArray(block.content)) {
    for (const [at, part] of block.content.entries()) look(part, `${path}.content.${at}`)
  }
  look(block, path)
}
