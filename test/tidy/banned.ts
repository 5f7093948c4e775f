import type { Node } from 'oxc-parser'
import { type Finding, type Source, walk } from './source.ts'

interface Ban {
  rule: string
  why: string
  applies(path: string): boolean
  matches(node: Node, parents: readonly Node[], source: Source): boolean
}

const inSrc = (path: string) => path.startsWith('src/')
const inTest = (path: string) => path.startsWith('test/')
const anywhere = () => true
const inSrcBut =
  (...places: string[]) =>
  (path: string) =>
    inSrc(path) && !places.some(place => path === place || (place.endsWith('/') && path.startsWith(place)))

const isName = (node: Node | null | undefined, name: string) => node?.type === 'Identifier' && node.name === name

function isMember(node: Node, object: string, property: string): boolean {
  if (node.type !== 'MemberExpression' || !isName(node.object, object)) return false
  return isName(node.property, property) || (node.property.type === 'Literal' && node.property.value === property)
}

function isCallOf(node: Node, name: string): boolean {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return false
  return isName(node.callee, name) || isMember(node.callee, 'globalThis', name)
}

function isAnyCast(node: Node): boolean {
  return (
    (node.type === 'TSAsExpression' || node.type === 'TSTypeAssertion') && node.typeAnnotation.type === 'TSAnyKeyword'
  )
}

/** An interval keeps the process alive unless it is unref'ed: at once, or through the name it is kept under. */
function isHeldInterval(node: Node, parents: readonly Node[], source: Source): boolean {
  if (!isCallOf(node, 'setInterval')) return false
  const parent = parents[0]
  if (parent?.type === 'MemberExpression' && isName(parent.property, 'unref')) return false
  const holder =
    parent?.type === 'VariableDeclarator'
      ? parent.id
      : parent?.type === 'AssignmentExpression'
        ? parent.left
        : undefined
  if (!holder) return true
  const kept = source.text.slice(
    holder.start,
    holder.type === 'Identifier' ? holder.start + holder.name.length : holder.end
  )
  return !source.text.includes(`${kept}.unref()`) && !source.text.includes(`${kept}?.unref()`)
}

const WEB_STREAMS = ['ReadableStream', 'TransformStream', 'WritableStream']
const TEST_FUNCTIONS = ['test', 'it', 'describe', 'suite']

const BANS: readonly Ban[] = [
  {
    rule: 'no-fetch',
    why: 'fetch costs five times what undici.dispatch does, and hides retries and pools; send through wire/',
    // A command of the command line is a client like any other, and one call is no hot path.
    applies: file => inSrc(file) && !file.startsWith('src/cli/'),
    matches: node => isCallOf(node, 'fetch')
  },
  {
    rule: 'no-web-streams',
    why: 'a promise a chunk; data moves as frames from Source to Sink',
    applies: inSrc,
    matches: node =>
      WEB_STREAMS.some(name => isName(node, name)) || (node.type === 'Literal' && node.value === 'node:stream/web')
  },
  {
    rule: 'no-console',
    why: 'rooms log through the log they are given; only the command line prints',
    applies: inSrcBut('src/cli/', 'src/main.ts'),
    matches: node => node.type === 'MemberExpression' && isName(node.object, 'console')
  },
  {
    rule: 'no-env',
    why: 'a command hands the environment to config, which alone reads it; a room receives plain values',
    applies: inSrcBut('src/config.ts', 'src/config/', 'src/cli/', 'src/main.ts'),
    matches: node => isMember(node, 'process', 'env')
  },
  {
    rule: 'no-wall-clock',
    why: 'time is a value passed in, or src/clock.ts; else it cannot be tested',
    applies: inSrcBut('src/clock.ts'),
    matches: node =>
      isMember(node, 'Date', 'now') ||
      (node.type === 'NewExpression' && isName(node.callee, 'Date') && node.arguments.length === 0)
  },
  {
    rule: 'no-random',
    why: 'chance is a value passed in, or src/random.ts; else a failure cannot be repeated',
    applies: inSrcBut('src/random.ts'),
    matches: node => isMember(node, 'Math', 'random')
  },
  {
    rule: 'no-held-interval',
    why: 'a forgotten interval keeps the process alive: call .unref() on it',
    applies: inSrc,
    matches: isHeldInterval
  },
  {
    rule: 'no-eval',
    why: 'text from outside must never become code',
    applies: anywhere,
    matches: node => isCallOf(node, 'eval') || isCallOf(node, 'Function')
  },
  {
    rule: 'no-any-cast',
    why: 'a cast to any turns the types off; name the type, or check the value',
    applies: anywhere,
    matches: isAnyCast
  },
  {
    rule: 'no-only',
    why: 'it silently turns the other tests off',
    applies: inTest,
    matches: node => TEST_FUNCTIONS.some(name => isMember(node, name, 'only'))
  }
]

const COMMENT_BANS = [
  { rule: 'no-ts-ignore', pattern: /@ts-(?:ignore|nocheck)\b/, why: 'it hides every error of its line; mend the type' },
  { rule: 'no-todo', pattern: /\b(?:TODO|FIXME|XXX)\b/, why: 'do it now, or open an issue' }
]

/** Calls and comments that the house does not have, each with the reason and what to do instead. */
export function checkBanned(sources: readonly Source[]): Finding[] {
  return sources.flatMap(source => [...bannedNodes(source), ...bannedComments(source)])
}

function bannedNodes(source: Source): Finding[] {
  const bans = BANS.filter(ban => ban.applies(source.path))
  const findings: Finding[] = []
  walk(source.program, (node, parents) => {
    for (const { rule, why, matches } of bans) {
      if (!matches(node, parents, source)) continue
      findings.push({ path: source.path, line: source.lineAt(node.start), rule, message: why })
    }
  })
  return findings
}

function bannedComments(source: Source): Finding[] {
  return source.comments.flatMap(comment => {
    const bans = COMMENT_BANS.filter(({ pattern }) => pattern.test(comment.value))
    return bans.map(({ rule, why }) => ({ path: source.path, line: source.lineAt(comment.start), rule, message: why }))
  })
}
