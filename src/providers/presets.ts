import { clouds } from './presets/clouds.ts'
import { hosts } from './presets/hosts.ts'
import { local } from './presets/local.ts'
import { makers } from './presets/makers.ts'
import type { Preset } from './presets/preset.ts'

/** Every provider known by name. The order is that of the documentation, and of providers found without configuration. */
export const PRESETS: Readonly<Record<string, Preset>> = Object.freeze({ ...makers, ...clouds, ...hosts, ...local })

export function presetOf(name: string): Preset | undefined {
  return Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined
}
