import type { Reasoning } from '../canonical.ts'

export type Effort = Exclude<Reasoning['effort'], undefined | 'none'>
export type Level = 'minimal' | 'low' | 'medium' | 'high'

/** What a model of this dialect takes, where models differ and a request from another dialect must be fitted. */
export interface Model {
  /** How thinking is asked for: not at all, with `thinkingBudget` in tokens, or with a `thinkingLevel`. */
  thinking: 'none' | 'budget' | 'level'
  /** The words of `thinkingLevel` it knows. */
  levels: readonly Level[]
  /** Least and most of `thinkingBudget`; `off` where 0 turns thinking off. */
  budget: { min: number; max: number; off: boolean }
  /** Whether a function call of the history must carry a thought signature. */
  signedCalls: boolean
  /** Whether a function's result may hold pictures and documents. */
  resultMedia: boolean
}

const PLAIN: Model = {
  thinking: 'none',
  levels: [],
  budget: { min: 0, max: 0, off: true },
  signedCalls: false,
  resultMedia: false
}

const NEWEST = 301

/**
 * What the model of this name takes. From Google's pages on thinking, thought signatures and function calling, read in
 * November 2026; a version that is not out yet is read like the newest here, as are the aliases (`gemini-flash-latest`).
 */
export function modelOf(name: string): Model {
  const lower = name.toLowerCase()
  if (!lower.includes('gemini')) return PLAIN
  const [, major, minor = '0'] = /gemini-(\d+)(?:\.(\d+))?/.exec(lower) ?? []
  const version = major === undefined ? NEWEST : Number(major) * 100 + Number(minor)
  const speaks = /image|tts|audio|live/.test(lower)
  if (version < 205 || (speaks && version < 300)) return PLAIN
  if (version < 300) return { ...PLAIN, thinking: 'budget', budget: budgetOf(lower) }
  const newest: Model = {
    ...PLAIN,
    thinking: 'level',
    levels: levelsOf(lower, version),
    signedCalls: true,
    resultMedia: true
  }
  return speaks ? { ...newest, thinking: 'none', levels: [] } : newest
}

function budgetOf(name: string): Model['budget'] {
  if (name.includes('flash-lite')) return { min: 512, max: 24_576, off: true }
  return name.includes('flash') ? { min: 1, max: 24_576, off: true } : { min: 128, max: 32_768, off: false }
}

function levelsOf(name: string, version: number): readonly Level[] {
  if (name.includes('flash')) return ['minimal', 'low', 'medium', 'high']
  return version > 300 ? ['low', 'medium', 'high'] : ['low', 'high']
}

const ORDER: readonly Effort[] = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** The level this model knows that is nearest: the same, else the next lower, else the lowest. */
export function nearestLevel(model: Model, effort: Effort): Level | undefined {
  const wanted = ORDER.indexOf(effort)
  return model.levels.findLast(known => ORDER.indexOf(known) <= wanted) ?? model.levels[0]
}

/** An effort in tokens for models that only take a budget: Google's own table (ai.google.dev/gemini-api/docs/openai). */
export const BUDGET_TOKENS: Record<Effort, number> = {
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576
}
