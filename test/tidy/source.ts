import path from 'node:path'
import { type Comment, type Node, parseSync } from 'oxc-parser'

/** One file as the rules see it. `path` is from the repository's root, with forward slashes. */
export interface Source {
  path: string
  text: string
  program: Node
  comments: readonly Comment[]
  /** Every module this file names: static, `export from`, `import type`, dynamic, type queries, workers' URLs. */
  imports: readonly { specifier: string; line: number }[]
  lineAt(offset: number): number
}

export interface Finding {
  path: string
  line: number
  rule: string
  message: string
}

export function parse(file: string, text: string): Source {
  const { program, comments, module, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]!.message}`)
  const starts = [0, ...[...text.matchAll(/\n/g)].map(match => match.index + 1)]
  const lineAt = (offset: number) => starts.findLastIndex(start => start <= offset) + 1
  const found: { specifier: string; offset: number }[] = []
  for (const { moduleRequest } of module.staticImports) {
    found.push({ specifier: moduleRequest.value, offset: moduleRequest.start })
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) {
      if (moduleRequest) found.push({ specifier: moduleRequest.value, offset: moduleRequest.start })
    }
  }
  walk(program, node => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) found.push({ specifier, offset: node.start })
  })
  const imports = found.map(({ specifier, offset }) => ({ specifier, line: lineAt(offset) }))
  return { path: file, text, program, comments, imports, lineAt }
}

/** What a node outside import and export statements names: `import('…')`, in a value or a type, or a worker's URL. */
function specifierOf(node: Node): string | undefined {
  if (node.type === 'ImportExpression' || node.type === 'TSImportType') return literalText(node.source)
  if (node.type !== 'NewExpression' || node.callee.type !== 'Identifier' || node.callee.name !== 'URL') return undefined
  const [target, base] = node.arguments
  const isRelative = base?.type === 'MemberExpression' && base.object.type === 'MetaProperty'
  return isRelative ? literalText(target) : undefined
}

function literalText(node: Node | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value
  // `./worker${extension}`: a worker is named .ts in a checkout and .js in the published package
  if (node?.type === 'TemplateLiteral') return node.quasis[0]?.value.cooked ?? undefined
  return undefined
}

/** Visits every node, parents before children; `parents` runs from the nearest outwards. */
export function walk(node: Node, visit: (node: Node, parents: readonly Node[]) => void): void {
  const parents: Node[] = []
  const descend = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) descend(item)
    if (value === null || typeof value !== 'object' || !('type' in value) || typeof value.type !== 'string') return
    const current = value as Node
    visit(current, parents)
    parents.unshift(current)
    for (const child of Object.values(current)) descend(child)
    parents.shift()
  }
  descend(node)
}

/** The repository path a relative import means, or undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : undefined
}
