import { bareName } from '../models.ts'

/** What differs from one generation of Gemini to the next. */
export interface Family {
  /** The model thinks unless told not to. */
  thinks: boolean
  /** A replayed call of the current turn must carry its signature; replies give their calls ids. */
  signsCalls: boolean
  /** Thinking is asked for by level, not (only) by budget. */
  takesLevels: boolean
  /** Thinking cannot be turned off. */
  mustThink: boolean
  /** Functions may go together with JSON output and with hosted tools. */
  mixesTools: boolean
}

/** By name; what is no Gemini (`echo`, `assistant`) takes everything and demands nothing. */
export function familyOf(model: string): Family {
  const match = /gemini-(\d+)(?:\.(\d+))?(.*)$/.exec(bareName(model))
  if (!match) return { thinks: false, signsCalls: false, takesLevels: true, mustThink: false, mixesTools: true }
  const version = Number(match[1]) + Number(`0.${match[2] ?? 0}`)
  const isPro = match[3]!.startsWith('-pro')
  const isNew = version >= 3
  return {
    thinks: version >= 2.5,
    signsCalls: isNew,
    takesLevels: isNew,
    mustThink: version >= 2.5 && isPro,
    mixesTools: isNew
  }
}
