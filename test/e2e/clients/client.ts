/** What an application asks through its SDK, in no dialect: each client below says it the way its documentation shows. */
export interface Question {
  model: string
  system?: string
  turns: readonly Turn[]
  tools?: readonly Tool[]
  /** JSON Schema that the answer must fit. */
  schema?: Schema
  /** The model is asked to think first, as far as the client has a word for it. */
  thinking?: boolean
  stream: boolean
}

export type Schema = { [member: string]: unknown }

export type Turn =
  | { said: string; image?: string }
  /** An earlier answer, in the client's own words, and what its calls came to. */
  | { answer: Answer; results: readonly string[] }

export interface Tool {
  name: string
  description: string
  schema: Schema
}

export interface Answer {
  text: string
  thinking: string
  calls: { id: string; name: string; input: unknown }[]
  /** In the house's words. */
  finish: 'stop' | 'tool-calls' | 'length' | 'other'
  inputTokens: number | undefined
  outputTokens: number | undefined
  /** How the client keeps the assistant's turn, to send it back in the next call. */
  native: unknown
}

/** One SDK, set to the gateway as an existing application is: base URL and key. */
export interface Client {
  name: string
  /**
   * Whether it shows what the model thought: never, where the model shows it, or so that it asks for it. OpenAI shows it
   * only to who asks.
   */
  showsThinking: 'never' | 'shown' | 'asked'
  /** It throws away what signs a thought in a stream: a maker that asks for it back then goes on without thinking. */
  dropsSignatures?: true
  ask(question: Question): Promise<Answer>
}
