import type { Ask } from '../ask.ts'
import type { Visit } from '../door.ts'
import type { JsonObject } from '../json.ts'
import type { Voice } from '../voice.ts'

/** A valid request for embeddings, with its answer. */
export interface Embedded {
  model: string
  /** What faults tell calls apart by. */
  text: string
  body: JsonObject
  usage: JsonObject
  headers?: Record<string, string>
}

/** Embeddings said in a voice: its gate and its errors, so that every fault there is can befall them too. */
export function embeddingsVoice(base: Voice, embed: (body: JsonObject, visit: Visit) => Embedded): Voice {
  return {
    ...base,
    read: (body, behaviour, visit) => {
      const embedded = embed(body, visit)
      return { ...NOTHING, model: embedded.model, text: embedded.text, behaviour, body, native: embedded }
    },
    cacheUse: () => ({ readTokens: 0, write5mTokens: 0, write1hTokens: 0 }),
    reply: ({ native }) => {
      const { body, usage, headers = {} } = native as Embedded
      return { body: () => body, usage, headers, frames: () => [] }
    }
  }
}

/** No model speaks: there is nothing to plan. */
const NOTHING = {
  stream: false,
  directives: {},
  media: [],
  results: [],
  tools: [],
  call: 'none',
  parallel: false,
  stop: [],
  choices: 0,
  thinking: 'none',
  sources: [],
  searchesWeb: false,
  prefill: '',
  endsWithAssistant: false,
  blocks: []
} as const satisfies Partial<Ask>
