import type { Reasoning } from './canonical.ts'

export type Effort = Exclude<Reasoning['effort'], undefined | 'none'>

/**
 * What a model of Claude takes, at home or at a cloud, where models differ and a request from another dialect must be
 * fitted. How it is said is each dialect's own.
 */
export interface Model {
  /** How thinking is asked for: not at all, with `budget_tokens`, or `adaptive` with `output_config.effort`. */
  thinking: 'none' | 'budget' | 'adaptive'
  /** The words of `output_config.effort` it knows. */
  efforts: readonly Effort[]
  /** Whether it thinks when nothing is said; then `off` is the `thinking.type` that stops it, if one does. */
  thinksUnasked: boolean
  off?: 'disabled' | 'between_tools'
  /** `temperature` and `top_p`: both, only one of them at a time, or neither (and no `top_k`). */
  sampling: 'both' | 'one' | 'neither'
  /** Whether `tool_choice` may be `any` or `tool`. */
  forcedTools: boolean
  /** Whether the conversation may end with an assistant turn that the model goes on with. */
  prefill: boolean
  /** Whether a `system` message may stand between the turns. */
  systemInside: boolean
  /** The shortest prefix its provider keeps, in tokens; undefined: it takes no marks, or nobody says so. */
  cacheTokensMin?: number
}

interface Row extends Partial<Model> {
  /** The first version, as major * 100 + minor, that this row speaks of. */
  from: number
  family?: string
}

const OLDEST: Model = {
  thinking: 'none',
  efforts: [],
  thinksUnasked: false,
  sampling: 'both',
  forcedTools: true,
  prefill: true,
  systemInside: false
}

/**
 * Each row changes what the rows above it said, for its version and later ones; a version that is not out yet is read
 * like the newest here. From the provider's pages on thinking, effort, mid-conversation system messages, prompt caching
 * and the migration guides of each model, read in November 2026.
 */
const ROWS: readonly Row[] = [
  { from: 300, cacheTokensMin: 1024 },
  { from: 300, family: 'haiku', cacheTokensMin: 2048 },
  { from: 307, thinking: 'budget' },
  { from: 401, sampling: 'one' },
  // Nothing is said of later models of this family.
  { from: 405, family: 'haiku', cacheTokensMin: 4096 },
  { from: 405, family: 'opus', cacheTokensMin: 4096 },
  { from: 406, thinking: 'adaptive', efforts: ['low', 'medium', 'high', 'max'], prefill: false },
  { from: 407, efforts: ['low', 'medium', 'high', 'xhigh', 'max'], sampling: 'neither' },
  { from: 407, family: 'opus', cacheTokensMin: 2048 },
  { from: 408, systemInside: true },
  { from: 408, family: 'opus', cacheTokensMin: 1024 },
  { from: 500, family: 'opus', cacheTokensMin: 512 },
  { from: 500, family: 'fable', cacheTokensMin: 512 },
  { from: 500, family: 'mythos', cacheTokensMin: 512 },
  { from: 500, thinksUnasked: true, off: 'disabled' },
  // Sources differ on Sonnet 5; moving the message to `system` works either way.
  { from: 500, family: 'sonnet', systemInside: false },
  { from: 501, family: 'fable', forcedTools: false },
  { from: 501, family: 'mythos', forcedTools: false },
  { from: 505, forcedTools: false, systemInside: true },
  { from: 505, family: 'sonnet', off: 'between_tools' }
]

/** Models whose thinking cannot be turned off. */
const ALWAYS_THINK: readonly { family: string; from: number }[] = [
  { family: 'opus', from: 505 },
  { family: 'fable', from: 500 },
  { family: 'mythos', from: 500 }
]

const NEWEST = 505

/** Other makers' models behind this dialect: they took over its first form of thinking and its free sampling. */
const STRANGER: Model = { ...OLDEST, thinking: 'budget' }

// `claude-opus-4-7`, `claude-3-5-sonnet-20241022`, `us.anthropic.claude-opus-4-6-v1`, `claude-haiku-4-5@20251001`.
const SPELLING = /claude-(?:instant-)?(?:([a-z]+)-)?v?(\d)(?:[-.](\d)(?!\d))?(?:-([a-z]+))?/

/** What the model of this name takes; any prefix of a cloud and any date behind it are fine. */
export function modelOf(name: string): Model {
  const lower = name.toLowerCase()
  if (!lower.includes('claude')) return STRANGER
  const [, before, major, minor = '0', after] = SPELLING.exec(lower) ?? []
  const family = before ?? after
  const version = major === undefined ? NEWEST : Number(major) * 100 + Number(minor)
  const rows = ROWS.filter(row => row.from <= version && (row.family ?? family) === family)
  const { from: _from, family: _family, ...model } = Object.assign({ from: 0, family }, OLDEST, ...rows) as Model & Row
  if (ALWAYS_THINK.some(one => one.family === family && one.from <= version)) delete model.off
  return model
}

const ORDER: readonly Effort[] = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** The effort this model knows that is nearest: the same, else the next lower, else the lowest. */
export function nearestEffort(model: Model, effort: Effort): Effort | undefined {
  const wanted = ORDER.indexOf(effort)
  return model.efforts.findLast(known => ORDER.indexOf(known) <= wanted) ?? model.efforts[0]
}

/** Least `thinking.budget_tokens` the provider takes. */
export const BUDGET_TOKENS_MIN = 1024

/** An effort in tokens, for models that only take a budget; with the default cap on output it fits the smallest (32,000). */
export const BUDGET_TOKENS: Record<Effort, number> = {
  minimal: BUDGET_TOKENS_MIN,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 20_480,
  max: 20_480
}
