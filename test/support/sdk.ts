import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'

/** One HTTP exchange of an SDK, as it was on the wire. */
export interface Exchange {
  sent: string
  status: number
  headers: Headers
  /** The body of the answer, to its end. Rejects when the exchange is broken off. */
  received: Promise<string>
}

export interface Sdks {
  openai: OpenAI
  anthropic: Anthropic
  /** What went over the wire since the last call of `exchanges`. */
  exchanges(): Exchange[]
}

/** Both official clients, set to the gateway in the two ways that an existing application is: base URL and key. */
export function connectSdks(url: string, key = 'sk-client-of-the-gateway'): Sdks {
  let recorded: Exchange[] = []
  const recordingFetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init)
    const received = response.clone().text()
    // Whoever broke the exchange off does not read it.
    received.catch(() => {})
    recorded.push({
      sent: typeof init?.body === 'string' ? init.body : '',
      status: response.status,
      headers: response.headers,
      received
    })
    return response
  }
  const options = { apiKey: key, maxRetries: 0, fetch: recordingFetch }
  return {
    openai: new OpenAI({ ...options, baseURL: `${url}/v1` }),
    anthropic: new Anthropic({ ...options, baseURL: url }),
    exchanges() {
      const all = recorded
      recorded = []
      return all
    }
  }
}
