import type { Door, Request } from '../door.ts'
import { bedrockCohereEmbeddings, titanEmbeddings } from './bedrock.ts'
import { cohereEmbeddings } from './cohere.ts'
import { geminiEmbedding, geminiEmbeddings } from './gemini.ts'
import { openaiEmbeddings } from './openai.ts'

const generate = { method: 'POST', does: 'generate' } as const
const invoke = { ...generate, path: '/model/{model}/invoke' }

/** The maker stands in the id of the model: `amazon.titan-embed-text-v2:0`. */
const isOf = (maker: string) => {
  const pattern = new RegExp(`^/model/[^/]*${maker.replace('.', '\\.')}`)
  return ({ path }: Request): boolean => pattern.test(path)
}

export const embeddingsDoors: Door[] = [
  { ...generate, path: '/v1/embeddings', voice: openaiEmbeddings },
  { ...generate, path: '/v1beta/models/{model+}:embedContent', voice: geminiEmbedding },
  { ...generate, path: '/v1beta/models/{model+}:batchEmbedContents', voice: geminiEmbeddings },
  { ...generate, path: '/v2/embed', voice: cohereEmbeddings }
]

/** They come before Bedrock's own: embeddings are asked for at the place where Claude is. */
export const invokeDoors: Door[] = [
  { ...invoke, voice: titanEmbeddings, when: isOf('amazon.titan-embed') },
  { ...invoke, voice: bedrockCohereEmbeddings, when: isOf('cohere.embed') }
]
