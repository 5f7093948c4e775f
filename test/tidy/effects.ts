import type { Node } from 'oxc-parser'
import { type Finding, type Source, walk } from './source.ts'

/** Programs, not modules: they are started, never imported. */
const isProgram = (path: string) =>
  path === 'src/main.ts' || path.startsWith('src/workers/') || /[/-]thread\.ts$/.test(path)

const DECLARATIONS = /^(?:Import|ExportNamed|ExportAll|ExportDefault|Function|Class|Variable|TS\w+)Declaration$/

/** Calls that touch the world. A constant may be computed when its module is loaded; the world is touched on demand. */
const WORLDLY =
  /^(?:\w+Sync|listen|createServer|createConnection|connect|spawn|exec|fork|setTimeout|setInterval|setImmediate|Worker|on|once)$/

/** No import has a side effect: at a module's top level stand declarations only, and their values touch nothing. */
export function checkEffects(sources: readonly Source[]): Finding[] {
  const modules = sources.filter(source => source.path.startsWith('src/') && !isProgram(source.path))
  return modules.flatMap(source => {
    if (source.program.type !== 'Program') return []
    return source.program.body.flatMap(statement => effectsOf(statement, source))
  })
}

function effectsOf(statement: Node, source: Source): Finding[] {
  const finding = (node: Node, message: string): Finding => ({
    path: source.path,
    line: source.lineAt(node.start),
    rule: 'no-side-effect',
    message
  })
  if (!DECLARATIONS.test(statement.type)) {
    return [
      finding(statement, 'a statement that runs on import: put it in a function, or compute the constant at once')
    ]
  }
  const findings: Finding[] = []
  walk(statement, (node, parents) => {
    if (parents.some(isDeferred)) return
    if (node.type === 'AwaitExpression') findings.push(finding(node, 'waits on import'))
    const called = calledName(node)
    if (called !== undefined && WORLDLY.test(called)) findings.push(finding(node, `${called}() runs on import`))
  })
  return findings
}

function isDeferred(node: Node): boolean {
  return /Function/.test(node.type) && !node.type.startsWith('TS')
}

function calledName(node: Node): string | undefined {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return undefined
  const name = node.callee.type === 'MemberExpression' ? node.callee.property : node.callee
  return name.type === 'Identifier' ? name.name : undefined
}
