import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { anthropicMessages } from './anthropic.ts'
import type { Client } from './client.ts'
import { googleGenai } from './google.ts'
import { langchain } from './langchain.ts'
import { openaiChat, openaiResponses } from './openai.ts'
import { vercel } from './vercel.ts'

/** Every client that the gateway promises, set to it by base URL and key. */
export function connectAll(url: string, apiKey = 'sk-client-of-the-gateway'): Client[] {
  const once = { apiKey, maxRetries: 0 }
  const openai = new OpenAI({ ...once, baseURL: `${url}/v1` })
  const vercelOpenai = createOpenAI({ apiKey, baseURL: `${url}/v1` })
  const vercelAnthropic = createAnthropic({ apiKey, baseURL: `${url}/v1` })
  const vercelGoogle = createGoogleGenerativeAI({ apiKey, baseURL: `${url}/v1beta` })
  return [
    openaiChat(openai),
    openaiResponses(openai),
    anthropicMessages(new Anthropic({ ...once, baseURL: url })),
    googleGenai(new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } })),
    vercel({
      name: 'ai with @ai-sdk/openai',
      showsThinking: 'asked',
      // Its default is Responses.
      model: name => vercelOpenai(name),
      always: { openai: { store: false } },
      thinking: { openai: { store: false, forceReasoning: true, reasoningEffort: 'low', reasoningSummary: 'auto' } }
    }),
    vercel({
      name: 'ai with @ai-sdk/anthropic',
      showsThinking: 'shown',
      model: name => vercelAnthropic(name),
      thinking: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1_024 } } }
    }),
    vercel({
      name: 'ai with @ai-sdk/google',
      dropsSignatures: true,
      showsThinking: 'asked',
      model: name => vercelGoogle(name),
      thinking: { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1_024 } } }
    }),
    langchain(url, apiKey)
  ]
}
