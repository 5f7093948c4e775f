import assert from 'node:assert/strict'
import { checks } from '../../../src/guards/checks/index.ts'
import type { Finding, Passage, Subject, Tools } from '../../../src/guards/guard.ts'

export const PLACE = { side: 'request', role: 'user', kind: 'text', path: 'messages[0].content' } as const

export function passage(text: string, over: Partial<Passage> = {}): Passage {
  return { ...PLACE, text, sealed: false, ...over }
}

type Name = keyof typeof checks

/** Throws where the options cannot be read or cannot work together. */
export function make(name: Name, options: object) {
  const kind = checks[name]
  return kind.create(kind.options.parse(options) as never)
}

export async function judged(
  name: Name,
  options: object,
  passages: readonly Passage[],
  tools: Partial<Tools>,
  side: Subject['side'] = 'request'
): Promise<readonly Finding[]> {
  const nobody: Tools = { wallMs: () => 0, post: () => assert.fail('nobody is asked') }
  const subject: Subject = {
    side,
    operation: 'chat',
    dialect: 'openai-chat',
    model: 'gpt-5',
    passages,
    tools: [],
    calls: [],
    request: {},
    metadata: {}
  }
  return make(name, options).judge!(subject, { ...nobody, ...tools }, new AbortController().signal)
}

export type Posted = Parameters<Tools['post']>[0]

/** A service that answers so, and what it was sent. */
export function service(answer: (body: Record<string, unknown>) => unknown) {
  const asked: Posted[] = []
  const post: Tools['post'] = async request => {
    asked.push(request)
    return answer(JSON.parse(request.body) as Record<string, unknown>)
  }
  return { asked, post }
}
