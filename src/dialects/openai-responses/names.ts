import type { JsonObject } from '../../json.ts'
import type { Tool } from '../canonical.ts'
import { objectOf, spelt } from './members.ts'

/**
 * Tools may be grouped in namespaces, and calls then name both. Others know one name a tool: the two joined by `__`.
 */
export interface ToolNames {
  joined(namespace: string, name: string): string
  /** `name`, and `namespace` where the tool of that name has one. */
  split(name: string): JsonObject
}

export function joined(namespace: string, name: string): string {
  return namespace.endsWith('__') ? `${namespace}${name}` : `${namespace}__${name}`
}

/** The names of the tools that a request has. */
export function toolNames(tools: readonly Tool[] = []): ToolNames {
  const grouped = new Map<string, JsonObject>()
  for (const tool of tools) {
    const namespace = spelt(tool, 'namespace')
    if (namespace !== undefined) {
      grouped.set(tool.name, { name: spelt(tool, 'name'), namespace: objectOf(namespace).name })
    }
  }
  return { joined, split: name => grouped.get(name) ?? { name } }
}
