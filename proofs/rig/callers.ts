import { CLIENTS, type Client, type ClientName, type Question, type Told } from './clients.ts'

/** What a caller saw of one call, through the client of its dialect. */
export interface View extends Told {
  /** Of the HTTP exchange; 0 where no head came. */
  status: number
  headers: Record<string, string>
  /** Whether the dialect's own end came (`[DONE]`, `message_stop`); for a whole answer, whether it could be read. */
  ended: boolean
  /** What the client threw. */
  error: string | undefined
  /** The body of the answer as it came. */
  raw: string
  tookMs: number
}

/** Asks through the client of a dialect. Never rejects: what goes wrong is in the view. */
export async function ask(name: ClientName, url: string, question: Question): Promise<View> {
  const client: Client = CLIENTS[name]
  const startedMs = performance.now()
  const told: Told = { text: '', finish: undefined, ended: false, usage: undefined, model: undefined }
  const wire: { response: Response | undefined; raw: Promise<string> } = {
    response: undefined,
    raw: Promise.resolve('')
  }
  const watched: typeof fetch = async (input, init) => {
    wire.response = await fetch(input, init)
    wire.raw = textOf(wire.response.clone())
    return wire.response
  }
  let error: string | undefined
  try {
    await client.ask({ url, fetch: watched }, question, told)
  } catch (thrown) {
    error = thrown instanceof Error ? `${thrown.constructor.name}: ${thrown.message}` : String(thrown)
  }
  const raw = await wire.raw
  if (question.stream) told.ended = client.ended.test(raw)
  return {
    ...told,
    error,
    raw,
    status: wire.response?.status ?? 0,
    headers: Object.fromEntries(wire.response?.headers ?? []),
    tookMs: performance.now() - startedMs
  }
}

/** All that came, also where it was broken off. */
async function textOf(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  } catch {
    // The client that reads the other copy says what happened.
  }
  return text
}
