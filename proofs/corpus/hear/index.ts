import { chat } from './chat.ts'
import { converse } from './converse.ts'
import { gemini } from './gemini.ts'
import type { Ear } from './heard.ts'
import { messages } from './messages.ts'
import { responses } from './responses.ts'

/** A reader for each dialect, by its name. */
export const EARS: Readonly<Record<string, Ear>> = {
  'openai-chat': chat,
  'anthropic-messages': messages,
  'openai-responses': responses,
  gemini,
  'bedrock-converse': converse
}
