import { createHash, createHmac } from 'node:crypto'
import * as z from 'zod'
import { placesOf, type Request, type StandIn, startStandIn } from './service.ts'

/** ApplyGuardrail (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html), of texts. */

const UNIT_CHARS = 1_000
const UNITS_MAX = 25
const SKEW_MAX_MS = 5 * 60_000

const asked = z.strictObject({
  source: z.enum(['INPUT', 'OUTPUT']),
  content: z
    .array(
      z.strictObject({
        text: z.strictObject({
          text: z.string().min(1),
          qualifiers: z.array(z.enum(['grounding_source', 'query', 'guard_content'])).optional()
        })
      })
    )
    .min(1),
  outputScope: z.enum(['INTERVENTIONS', 'FULL']).optional()
})

type Done = 'BLOCKED' | 'ANONYMIZED' | 'NONE'

interface Options {
  region: string
  id: string
  version: string
  keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** Bearer tokens that count instead of a signature. */
  apiKey?: string
  topics?: Readonly<Record<string, string>>
  filters?: Readonly<Record<string, string>>
  words?: readonly string[]
  pii?: readonly { word: string; type: string; action: Done }[]
}

export function startBedrock(options: Options): Promise<StandIn> {
  const { id, version, apiKey } = options
  return startStandIn({
    answer(request) {
      const { method, path, headers, body } = request
      if (apiKey !== undefined && headers.authorization?.startsWith('Bearer ')) {
        if (headers.authorization !== `Bearer ${apiKey}`) throw failure(403, 'AccessDeniedException', 'Invalid API Key')
      } else checkSignature(request, options)
      const [, atId, atVersion] = /^\/guardrail\/([^/]+)\/version\/([^/]+)\/apply$/.exec(path) ?? []
      if (method !== 'POST' || atId === undefined) throw failure(404, 'UnknownOperationException', 'No such operation')
      if (decodeURIComponent(atId) !== id || atVersion !== version) {
        throw failure(404, 'ResourceNotFoundException', 'The guardrail identifier or version provided does not exist.')
      }
      const read = asked.safeParse(body)
      if (!read.success) throw failure(400, 'ValidationException', z.prettifyError(read.error))
      const texts = read.data.content.map(({ text: { text } }) => text)
      const units = texts.reduce((sum, text) => sum + Math.ceil([...text].length / UNIT_CHARS), 0)
      if (units > UNITS_MAX) {
        throw failure(400, 'ValidationException', `Input text size of ${units} text units is over ${UNITS_MAX}.`)
      }
      return assessed(texts, units, options)
    },
    failure: status =>
      status === 429
        ? failure(429, 'ThrottlingException', 'Too many requests, please wait before trying again.')
        : failure(500, 'InternalServerException', 'The system encountered an unexpected error.')
  })
}

function assessed(texts: readonly string[], units: number, options: Options) {
  const { topics = {}, filters = {}, words = [], pii = [] } = options
  const isIn = (word: string) => texts.some(text => text.includes(word))
  const blocked = { action: 'BLOCKED', detected: true }
  const assessment = {
    topicPolicy: {
      topics: Object.entries(topics).flatMap(([word, name]) => (isIn(word) ? { name, type: 'DENY', ...blocked } : []))
    },
    contentPolicy: {
      filters: Object.entries(filters).flatMap(([word, type]) =>
        isIn(word) ? { type, confidence: 'MEDIUM', filterStrength: 'HIGH', ...blocked } : []
      )
    },
    wordPolicy: {
      customWords: words.flatMap(match => (isIn(match) ? { match, ...blocked } : [])),
      managedWordLists: []
    },
    sensitiveInformationPolicy: {
      // One entry each time it is there, in each text.
      piiEntities: pii.flatMap(({ word, type, action }) =>
        texts.flatMap(text => [...placesOf(word, text)].map(() => ({ match: word, type, action, detected: true })))
      ),
      regexes: []
    }
  }
  const lists = [
    assessment.topicPolicy.topics,
    assessment.contentPolicy.filters,
    assessment.wordPolicy.customWords,
    assessment.sensitiveInformationPolicy.piiEntities
  ].flat()
  const isBlocked = lists.some(({ action }) => action === 'BLOCKED')
  const masked = texts.map(text =>
    pii.reduce((all, { word, type, action }) => (action === 'NONE' ? all : all.replaceAll(word, `{${type}}`)), text)
  )
  const hasIntervened = lists.some(({ action }) => action !== 'NONE')
  const characters = texts.reduce((sum, text) => sum + text.length, 0)
  return {
    action: hasIntervened ? 'GUARDRAIL_INTERVENED' : 'NONE',
    actionReason: hasIntervened ? 'Guardrail blocked.' : 'No action.',
    assessments: [assessment],
    outputs: hasIntervened ? (isBlocked ? [{ text: 'Sorry.' }] : masked.map(text => ({ text }))) : [],
    guardrailCoverage: { textCharacters: { guarded: characters, total: characters } },
    usage: {
      topicPolicyUnits: units,
      contentPolicyUnits: units,
      wordPolicyUnits: units,
      sensitiveInformationPolicyUnits: units,
      sensitiveInformationPolicyFreeUnits: 0,
      contextualGroundingPolicyUnits: 0
    }
  }
}

// ---- signature version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html) ----

function checkSignature({ method, path, query, headers, raw }: Request, { keys, region }: Options): void {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? ''
    )
  if (!given) throw failure(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
  const [, accessKeyId, day, atRegion, service, names = '', signature] = given
  if (accessKeyId !== keys.accessKeyId || headers['x-amz-security-token'] !== keys.sessionToken) {
    throw failure(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.')
  }
  const date = String(headers['x-amz-date'])
  const at = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(Date.now() - at) <= SKEW_MAX_MS)) throw invalid(`Signature expired: ${date}`)
  if (day !== date.slice(0, 8) || atRegion !== region || service !== 'bedrock') {
    throw invalid('Credential should be scoped to a valid region and service.')
  }
  const signed = names.split(';')
  if (!signed.includes('host') || !signed.includes('x-amz-date')) throw invalid('host and x-amz-date must be signed.')
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    [...query]
      .map(pair => pair.map(encode).join('='))
      .sort()
      .join('&'),
    ...signed.map(
      name =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`
    ),
    '',
    names,
    sha256(raw)
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${atRegion}/${service}/aws4_request`, sha256(canonical)].join('\n')
  const key = [day, atRegion, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${keys.secretAccessKey}`))
  if (hmac(key, toSign).toString('hex') !== signature) {
    throw invalid('The request signature we calculated does not match the signature you provided.')
  }
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: Buffer, data: string | undefined) =>
  createHmac('sha256', key)
    .update(data ?? '')
    .digest()

const invalid = (message: string) => failure(403, 'InvalidSignatureException', message)

function failure(status: number, type: string, message: string) {
  return { status, body: { message }, headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/` } }
}
