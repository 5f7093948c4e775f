import type { Ask } from './ask.ts'
import { isContent, type Script, scriptOf } from './faults.ts'
import type { Outlet } from './outlet.ts'
import type { Refusal } from './refusal.ts'
import type { Reply, Voice } from './voice.ts'

const STORY_PACE_MS = 30
/** How much more than it sends `wrong-length` promises. */
const PROMISED_BYTES = 512

export interface Stage {
  ask: Ask
  voice: Voice
  outlet: Outlet
  headers: Record<string, string>
  /** Pace of `story` where the simulator was started with one. */
  paceMs: number | undefined
}

export function sendRefusal(outlet: Outlet, voice: Voice, refusal: Refusal, headers: Record<string, string>): void {
  const body = JSON.stringify(voice.errorBody(refusal, outlet.entry.requestId))
  outlet.head(refusal.status, {
    'content-type': voice.errorContentType(refusal.status),
    'content-length': Buffer.byteLength(body),
    ...headers,
    ...refusal.headers
  })
  void outlet.write(body)
  outlet.end()
}

/** Sends a reply as the behaviour of its model has it, well or badly. */
export async function perform(stage: Stage, reply: Reply): Promise<void> {
  const { ask, outlet } = stage
  const { id, amount } = ask.behaviour
  if (id === 'reset') outlet.reset()
  if (id === 'silent') await outlet.hold()
  if (id === 'slow-head') await outlet.wait(amount)
  if (outlet.isOver) return
  outlet.entry.usage = reply.usage
  if (ask.stream) await sendStream(stage, reply)
  else await sendWhole(stage, reply)
}

async function sendWhole(stage: Stage, reply: Reply): Promise<void> {
  const { ask, voice, outlet } = stage
  const { id, amount } = ask.behaviour
  // It is generated before any of it is sent.
  if (id !== 'error-200-first-event') outlet.entry.generated = 1
  const good = JSON.stringify(reply.body())
  const error = voice.error('in-stream', ask.model)
  const body = wholeBody(id, good, JSON.stringify(voice.errorBody(error, outlet.entry.requestId)))
  const headers: Record<string, string | number> = {
    'content-type': voice.wholeContentType ?? 'application/json',
    ...stage.headers,
    ...reply.headers
  }
  const length = Buffer.byteLength(id === 'eof-without-finish' ? '' : body)
  if (length > 0) headers['content-length'] = length + (id === 'wrong-length' ? PROMISED_BYTES : 0)
  else headers.connection = 'close'
  outlet.head(200, headers)
  if (id === 'slow-first-token' && !(await outlet.wait(amount))) return
  const isBroken = id === 'cut-after' || id === 'stall-after'
  const sent = isBroken ? body.slice(0, body.length / 2) : body
  if (!(await (id === 'bytes-1' ? outlet.writeBytewise(sent) : outlet.write(sent)))) return
  outlet.entry.usageSent = sent === good
  await leave(outlet, WHOLE_ENDINGS[id] ?? 'end')
}

function wholeBody(id: string, good: string, error: string): string {
  if (id === 'error-200-first-event') return error
  if (id === 'eof-without-finish') return good.slice(0, good.length / 2)
  return id === 'garbled-event' ? `${good.slice(0, -1)},"` : good
}

async function sendStream(stage: Stage, reply: Reply): Promise<void> {
  const { ask, voice, outlet } = stage
  const { id } = ask.behaviour
  const error = voice.error('in-stream', ask.model)
  const good = reply.frames()
  const script = scriptOf(good, ask.behaviour, before => voice.errorFrames(error, outlet.entry.requestId, before))
  const chunks = script.frames.map((frame, at) => voice.framing.write(frame, at))
  const headers: Record<string, string | number> = {
    'content-type': voice.framing.contentType,
    'cache-control': 'no-cache',
    ...stage.headers
  }
  if (script.ending === 'incomplete') headers.connection = 'close'
  if (id === 'wrong-length') {
    const bytes = chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk), 0)
    headers['content-length'] = bytes + PROMISED_BYTES
  }
  outlet.head(200, headers)
  if (!(await writeFrames(stage, script, chunks, good.filter(isContent).length))) return
  const next = good[script.frames.length]
  if (script.ending === 'cut' && voice.framing.cutsInside && next) {
    const chunk = voice.framing.write(next, chunks.length)
    if (!(await outlet.write(chunk.slice(0, chunk.length / 2)))) return
  }
  await leave(outlet, id === 'wrong-length' ? 'early' : script.ending)
}

type Leaving = Script['ending'] | 'early'

const WHOLE_ENDINGS: Record<string, Leaving> = {
  'cut-after': 'cut',
  'stall-after': 'hold',
  'wrong-length': 'early',
  'eof-without-finish': 'incomplete'
}

/** What becomes of the connection when all that is to be said was said. */
async function leave(outlet: Outlet, how: Leaving): Promise<void> {
  switch (how) {
    case 'end':
      outlet.end()
      break
    case 'incomplete':
      outlet.endAndClose('incomplete')
      break
    case 'early':
      outlet.endAndClose('cut')
      break
    case 'cut':
      outlet.cut()
      break
    case 'hold':
      await outlet.hold()
      break
  }
}

async function writeFrames(
  { ask, outlet, paceMs }: Stage,
  script: Script,
  chunks: (string | Buffer)[],
  contentFrames: number
): Promise<boolean> {
  const storyPaceMs = ask.behaviour.id === 'story' ? (paceMs ?? STORY_PACE_MS) : 0
  const pace = ask.directives.paceMs ?? storyPaceMs
  const isBytewise = ask.behaviour.id === 'bytes-1'
  let isFirst = true
  let sent = 0
  for (const [at, frame] of script.frames.entries()) {
    if (frame.kind === 'content') {
      const delayMs = isFirst ? script.firstContentAfterMs : pace
      isFirst = false
      if (delayMs > 0 && !(await outlet.wait(delayMs))) return false
    }
    const chunk = chunks[at]!
    const isOpen = isBytewise ? await outlet.writeBytewise(chunk) : await outlet.write(chunk)
    if (!isOpen) return false
    if (frame.kind === 'content') outlet.entry.generated = ++sent / contentFrames
    if (frame.tellsUsage) outlet.entry.usageSent = true
  }
  return true
}
