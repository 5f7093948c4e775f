import * as z from 'zod'
import type { Excerpt } from './excerpts.ts'
import type { Finding } from './guard.ts'

/**
 * What Bedrock's ApplyGuardrail answers
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html), as findings.
 */

const action = z.string()
const detected = z.boolean().optional()
const listOf = <Item extends z.ZodRawShape>(shape: Item) =>
  z.array(z.object({ ...shape, action, detected })).default([])

const assessment = z.object({
  topicPolicy: z.object({ topics: listOf({ name: z.string() }) }).optional(),
  contentPolicy: z.object({ filters: listOf({ type: z.string(), confidence: z.string() }) }).optional(),
  wordPolicy: z
    .object({ customWords: listOf({ match: z.string() }), managedWordLists: listOf({ match: z.string() }) })
    .optional(),
  sensitiveInformationPolicy: z
    .object({
      piiEntities: listOf({ match: z.string(), type: z.string() }),
      regexes: listOf({ match: z.string().optional(), name: z.string().optional() })
    })
    .optional(),
  contextualGroundingPolicy: z
    .object({ filters: listOf({ type: z.string(), score: z.number().min(0).max(1) }) })
    .optional()
})

export const guardrailAnswer = z.object({
  action: z.enum(['NONE', 'GUARDRAIL_INTERVENED']),
  assessments: z.array(assessment)
})

/** What the guardrail did with something it found; `none`: it is set to say so alone. */
export const OUTCOMES = ['blocked', 'anonymized', 'none'] as const
type Outcome = (typeof OUTCOMES)[number]

interface Said extends Omit<Finding, 'score'> {
  score?: number
  action: string
  detected?: boolean | undefined
  /** The text that was found, where the service tells. Never part of a finding. */
  match?: string | undefined
}

const CONFIDENCE: Readonly<Record<string, number>> = { NONE: 0, LOW: 0.33, MEDIUM: 0.67, HIGH: 1 }

/**
 * The findings of one answer, about texts that were sent together. It names what was found and not where: that is
 * looked for in those texts, and what is not found there is said of each of them as a whole.
 */
export function findingsOf(
  answer: z.output<typeof guardrailAnswer>,
  sent: readonly Excerpt[],
  wanted: readonly Outcome[]
): Finding[] {
  const said = answer.assessments.flatMap(saidIn)
  if (answer.action === 'GUARDRAIL_INTERVENED' && said.every(each => outcomeOf(each) === 'none')) {
    said.push({ rule: 'intervened', action: 'BLOCKED', reason: 'A Bedrock guardrail does not let it pass.' })
  }
  return said
    .filter(each => wanted.includes(outcomeOf(each)) && each.detected !== false)
    .flatMap(({ rule, score = 1, label, reason, match }) => {
      const what = { rule: `bedrock-guardrail.${rule}`, score, ...(label && { label }), ...(reason && { reason }) }
      return spansOf(match ?? '', sent).map(span => ({ ...what, ...span }))
    })
}

function outcomeOf({ action: done }: Said): Outcome {
  return done === 'BLOCKED' ? 'blocked' : done === 'ANONYMIZED' ? 'anonymized' : 'none'
}

function saidIn(of: z.output<typeof assessment>): Said[] {
  const { topicPolicy, contentPolicy, wordPolicy, sensitiveInformationPolicy, contextualGroundingPolicy } = of
  return [
    ...(topicPolicy?.topics ?? []).map(({ name, ...rest }) => ({
      ...rest,
      rule: `topic.${slug(name)}`,
      reason: `A Bedrock guardrail finds a topic that is denied: ${name}.`
    })),
    ...(contentPolicy?.filters ?? []).map(({ type, confidence, ...rest }) => ({
      ...rest,
      rule: `content.${slug(type)}`,
      score: CONFIDENCE[confidence] ?? 1,
      reason: `A Bedrock guardrail finds ${slug(type).replaceAll('_', ' ')}.`
    })),
    ...[...(wordPolicy?.customWords ?? []), ...(wordPolicy?.managedWordLists ?? [])].map(word => ({
      ...word,
      rule: 'word',
      label: 'WORD',
      reason: 'A Bedrock guardrail finds a word that is not allowed.'
    })),
    ...(sensitiveInformationPolicy?.piiEntities ?? []).map(({ type, ...rest }) => ({
      ...rest,
      ...personal(`pii.${slug(type)}`, type)
    })),
    ...(sensitiveInformationPolicy?.regexes ?? []).map(({ name = 'pattern', ...rest }) => ({
      ...rest,
      ...personal(`regex.${slug(name)}`, name)
    })),
    ...(contextualGroundingPolicy?.filters ?? []).map(({ type, score, ...rest }) => ({
      ...rest,
      rule: `grounding.${slug(type)}`,
      // It scores how good the answer is.
      score: 1 - score,
      reason: `A Bedrock guardrail finds too little ${slug(type)}.`
    }))
  ]
}

function personal(rule: string, type: string): Pick<Said, 'rule' | 'label' | 'reason'> {
  const label = slug(type).toUpperCase() || 'REDACTED'
  return { rule, label, reason: `A Bedrock guardrail finds sensitive information (${label.toLowerCase()}).` }
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
}

type Span = Pick<Finding, 'path' | 'start' | 'end'>

function spansOf(match: string, sent: readonly Excerpt[]): Span[] {
  const spans = match === '' ? [] : sent.flatMap(excerpt => occurrences(match, excerpt))
  return spans.length > 0 ? spans : [...new Set(sent.map(({ path }) => path))].map(path => ({ path }))
}

/** Whole words alone, where there are any: "Ann" is not meant within "Annex". */
function occurrences(match: string, { path, text, at }: Excerpt): Span[] {
  const escaped = match.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const inWords = [...text.matchAll(new RegExp(escaped, 'giu'))]
  const alone = inWords.filter(({ 0: { length }, index }) => {
    const before = /[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, index - 2), index))
    const after = /^[\p{L}\p{N}]/u.test(text.slice(index + length, index + length + 2))
    return !(before && /^[\p{L}\p{N}]/u.test(match)) && !(after && /[\p{L}\p{N}]$/u.test(match))
  })
  const places = alone.length > 0 ? alone : inWords
  return places.map(({ 0: { length }, index }) => ({ path, start: at + index, end: at + index + length }))
}
