import { isObject, type Json, type JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import type { ErrorName, Frame } from '../voice.ts'
import type { Violation } from './proto.ts'

const RPC = 'type.googleapis.com/google.rpc.'

export function invalid(message: string, details: Json[] = []): Refusal {
  return new Refusal(400, 'INVALID_ARGUMENT', message, { details })
}

/** All that could not be read into the message, in one refusal. */
export function unreadable(violations: Violation[]): Refusal {
  const fieldViolations = violations.map(({ field, description }) => ({
    ...(field === '' ? {} : { field }),
    description
  }))
  const message = violations.map(violation => violation.description).join('\n')
  return invalid(message, [{ '@type': `${RPC}BadRequest`, fieldViolations }])
}

/** What is wrong inside a request that could be read: `* GenerateContentRequest.contents: …`. */
export function invalidAt(path: string, message: string): Refusal {
  return invalid(`* GenerateContentRequest.${path}: ${message}\n`)
}

const BLOCKED = 'PROMPT_BLOCKED'

/** The body of every error; a blocked prompt is a reply without candidates. */
export function errorBody({ status, type, message, details, param }: Refusal): JsonObject {
  if (type === BLOCKED) {
    return {
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: {
        promptTokenCount: 9,
        totalTokenCount: 9,
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: 9 }]
      },
      modelVersion: param,
      responseId: 'blocked'
    }
  }
  return { error: { code: status, message, status: type, ...(details.length > 0 ? { details } : {}) } }
}

export function errorFrames(refusal: Refusal): Frame[] {
  return [{ kind: 'end', event: '', data: JSON.stringify(errorBody(refusal)) }]
}

/** Google says when to come back in the body, not in a header. */
export function withRetryDelay(refusal: Refusal, seconds: number): Refusal {
  const { status, type, message, details } = refusal
  return new Refusal(status, type, message, {
    details: [...details, { '@type': `${RPC}RetryInfo`, retryDelay: `${seconds}s` }]
  })
}

export function geminiError(name: ErrorName, model: string): Refusal {
  switch (name) {
    case 'rate-limited':
      return new Refusal(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).')
    case 'server-error':
      return new Refusal(
        500,
        'INTERNAL',
        'An internal error has occurred. Please retry or report in ' +
          'https://developers.generativeai.google/guide/troubleshooting'
      )
    case 'unavailable':
    case 'overloaded':
    case 'in-stream':
      return new Refusal(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.')
    case 'context-length':
      return invalid('The input token count (1048600) exceeds the maximum number of tokens allowed (1048576).')
    case 'content-filter':
      return new Refusal(200, BLOCKED, 'The prompt was blocked.', { param: model })
    case 'prefill':
      return invalid('Please ensure that multiturn requests end with a user role or a function response.')
    case 'no-such-model':
      return new Refusal(
        404,
        'NOT_FOUND',
        `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ` +
          'ModelService.ListModels to see the list of available models and their supported methods.'
      )
    case 'bad-key':
      return badKey()
    case 'spend-limit':
      return new Refusal(
        429,
        'RESOURCE_EXHAUSTED',
        'You exceeded your current quota, please check your plan and billing details. For more information on this ' +
          'error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: ' +
          'generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0',
        {
          details: [
            {
              '@type': `${RPC}QuotaFailure`,
              violations: [
                {
                  quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
                  quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier',
                  quotaDimensions: { location: 'global', model }
                }
              ]
            }
          ]
        }
      )
  }
}

export function badKey(): Refusal {
  return invalid('API key not valid. Please pass a valid API key.', [
    {
      '@type': `${RPC}ErrorInfo`,
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' }
    }
  ])
}

/** In a JSON array even an error is an element. */
export function errorBodyInArray(refusal: Refusal): Json {
  const body = errorBody(refusal)
  return isObject(body.error) || refusal.status === 200 ? [body] : body
}
