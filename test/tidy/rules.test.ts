/** Every rule of the house, shown a tree that breaks it and the nearest one that does not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LISTED_ROOMS, listOf } from '../../scripts/generate.ts'
import { type Allowed, checkHouse, describeFindings, withoutAllowed } from './house.ts'
import { FILE_LINES_MAX, FUNCTION_LINES_MAX } from './lengths.ts'
import { parse } from './source.ts'

type Tree = Record<string, string>

function findings(tree: Tree, exceptions: Record<string, number> = {}, allowed: Allowed[] = []) {
  return checkHouse(
    Object.entries(tree).map(([path, text]) => parse(path, text)),
    exceptions,
    allowed
  )
}

/** The one rule broken, and where: `rule path:line`. */
function broken(tree: Tree, exceptions?: Record<string, number>): string[] {
  return findings(tree, exceptions).map(({ rule, path, line }) => `${rule} ${path}:${line}`)
}

/** Each snippet breaks the rule on its last line, in the given file. */
function breaks(rule: string, path: string, snippets: string[]): void {
  for (const text of snippets) {
    test(`${rule} in ${path}: ${text.split('\n').at(-1)}`, () => {
      assert.deepEqual(broken({ [path]: text }), [`${rule} ${path}:${text.split('\n').length}`])
    })
  }
}

function allows(path: string, snippets: string[]): void {
  for (const text of snippets) {
    test(`fine in ${path}: ${text.split('\n').at(-1)}`, () => {
      assert.equal(describeFindings(findings({ [path]: text })), '')
    })
  }
}

describe('floors', () => {
  breaks('floor', 'src/wire/sse.ts', [
    "import { handle } from '../gateway.ts'",
    "\nimport type { Call } from '../stages/call.ts'",
    "export * from '../stages/call.ts'",
    "export type { Call } from '../stages/call.ts'",
    "export const load = () => import('../stages/call.ts')",
    "export let call: import('../stages/call.ts').Call",
    "export const url = new URL('../stages/worker.ts', import.meta.url)",
    'export const url = (end: string) => new URL(`../stages/worker${end}`, import.meta.url)',
    "import { keys } from '../access/keys.ts'",
    "import { tree } from '../../test/tree.ts'"
  ])
  allows('src/wire/sse.ts', [
    "import { Failure } from '../errors.ts'",
    "import { frame } from './frames.ts'",
    "import { Pool } from 'undici'",
    "export const text = `import { handle } from '../gateway.ts'` // import '../gateway.ts'"
  ])
  breaks('floor', 'src/config.ts', ["import { handle } from './gateway.ts'"])
  allows('src/config.ts', ["import { read } from './config/document.ts'", "import { Route } from './routing/route.ts'"])
  allows('src/errors.ts', ["import { parse } from './json.ts'"])
  allows('src/version.ts', ["export const manifest = new URL('../package.json', import.meta.url)"])
  breaks('floor', 'src/errors.ts', ["import { frame } from './wire/frames.ts'"])
  breaks('floor', 'src/attic/box.ts', ['export const box = 1'])
  breaks('floor', 'src/attic.ts', ['export const box = 1'])
})

describe('rooms apart', () => {
  for (const room of ['dialects', 'providers', 'money', 'wire', 'stages', 'catalog']) {
    breaks('apart', 'src/sim/plan.ts', [`import type { A } from '../${room}/a.ts'`])
  }
  allows('src/sim/plan.ts', ["import { parse } from '../json.ts'"])
  breaks('apart', 'src/dialects/openai-chat/request.ts', ["import { lens } from '../anthropic-messages/lens.ts'"])
  allows('src/dialects/openai-chat/request.ts', [
    "import { Part } from '../canonical.ts'",
    "import { a } from './lens.ts'"
  ])
})

describe('banned calls', () => {
  breaks('no-fetch', 'src/wire/a.ts', [
    "export const a = () => fetch('http://a')",
    "export const a = () => globalThis.fetch('http://a')"
  ])
  allows('src/wire/a.ts', ['export const a = (cache: Cache) => cache.fetch(1)'])
  breaks('no-web-streams', 'src/wire/a.ts', [
    'export const a = () => new TransformStream()',
    'export let a: ReadableStream',
    "import * as web from 'node:stream/web'"
  ])
  breaks('no-console', 'src/wire/a.ts', ["export const a = () => console.error('a')"])
  allows('src/cli/start.ts', ["export const a = () => console.error('a')"])
  breaks('no-env', 'src/wire/a.ts', ['export const a = () => process.env.A', "export const a = () => process['env']"])
  allows('src/config/document.ts', ['export const a = () => process.env.A'])
  allows('src/cli/start.ts', ['export const a = () => read(process.env)'])
  breaks('no-wall-clock', 'src/wire/a.ts', ['export const a = () => Date.now()', 'export const a = () => new Date()'])
  allows('src/wire/a.ts', ['export const a = (timeMs: number) => new Date(timeMs)'])
  allows('src/clock.ts', ['export const now = () => Date.now()'])
  breaks('no-random', 'src/wire/a.ts', ['export const a = () => Math.random()'])
  breaks('no-held-interval', 'src/wire/a.ts', [
    'export function a() {\n  setInterval(a, 1) }',
    'export function a() { const timer = setInterval(a, 1); return timer }'
  ])
  allows('src/wire/a.ts', [
    'export const a = () => setInterval(a, 1).unref()',
    'export function a() { const timer = setInterval(a, 1); timer.unref(); return timer }',
    'export class A { timer?: NodeJS.Timeout; go() { this.timer = setInterval(() => 1, 1); this.timer.unref() } }'
  ])
  breaks('no-eval', 'src/wire/a.ts', ["export const a = () => eval('1')", "export const a = () => new Function('1')"])
  breaks('no-any-cast', 'test/a.test.ts', ['export const a = {} as any'])
  breaks('no-only', 'test/a.test.ts', ["test.only('a', () => {})", "describe.only('a', () => {})"])
  breaks('no-ts-ignore', 'src/wire/a.ts', ['// @ts-ignore: because', '/* @ts-nocheck */'])
  breaks('no-todo', 'scripts/a.ts', ['export const a = 1 // TODO: more', '/** FIXME */'])
  allows('scripts/a.ts', ["export const a = 'TODO'"])
})

describe('side effects of imports', () => {
  breaks('no-side-effect', 'src/wire/a.ts', [
    'const map = new Map()\nmap.set(1, 2)',
    'for (const a of [1]) a.toFixed()',
    "import { readFileSync } from 'node:fs'\nexport const a = readFileSync('a')",
    "export const a = await import('./b.ts')",
    'export const server = createServer()',
    'export const timer = setTimeout(() => {}, 1)'
  ])
  allows('src/wire/a.ts', [
    'export const map = new Map([[1, 2]])',
    "export const read = () => readFileSync('a')",
    'export class A { start() { return setTimeout(() => {}, 1) } }',
    'export interface A { on(): void }\nexport type B = A\nexport default function a() {}'
  ])
  allows('src/main.ts', ['await run()'])
})

describe('lengths', () => {
  const file = (lines: number) => 'export type A = 1\n'.repeat(lines)
  const long = (lines: number) => `export const handle = () => {\n${'  f()\n'.repeat(lines - 2)}}\n`
  const path = 'src/wire/a.ts'

  test('at the ceiling is fine, one more is not', () => {
    assert.deepEqual(broken({ [path]: file(FILE_LINES_MAX) }), [])
    assert.deepEqual(broken({ [path]: file(FILE_LINES_MAX + 1) }), [`length ${path}:1`])
    assert.deepEqual(broken({ [path]: long(FUNCTION_LINES_MAX) }), [])
    assert.deepEqual(broken({ [path]: `\n${long(FUNCTION_LINES_MAX + 1)}` }), [`length ${path}:2`])
  })

  test('functions are known by the name that holds them', () => {
    const body = `{\n${'  f()\n'.repeat(FUNCTION_LINES_MAX)}}`
    const tree = { [path]: `export function plain() ${body}\nexport class A { method() ${body} }\nf(() => ${body})\n` }
    const named = findings(tree).flatMap(({ rule, message }) => (rule === 'length' ? [message.split(' ')[0]] : []))
    assert.deepEqual(named, [`${path}#plain`, `${path}#method`, `${path}#anonymous`])
  })

  test('an exception holds at its length only: growth fails, and shrinking is recorded', () => {
    const [now, key] = [FUNCTION_LINES_MAX + 5, `${path}#handle`]
    assert.deepEqual(broken({ [path]: long(now) }, { [key]: now }), [])
    for (const recorded of [now - 1, now + 1]) {
      assert.deepEqual(broken({ [path]: long(now) }, { [key]: recorded }), [`length ${path}:1`])
    }
  })

  test('an exception that is not needed, or of a file that is gone, is stale', () => {
    const stale = ['length test/tidy/exceptions.json:1']
    assert.deepEqual(broken({ [path]: long(10) }, { [`${path}#handle`]: 90 }), stale)
    assert.deepEqual(broken({}, { 'src/gone.ts': 500 }), stale)
  })
})

describe('justified exceptions', () => {
  const path = 'src/wire/a.ts'
  const tree = { [path]: 'export const a = () => Math.random()' }
  const entry = { rule: 'no-random', path, count: 1, reason: 'jitter' }

  test('the allowed count is let through, with a reason', () => {
    assert.deepEqual(findings(tree, {}, [entry]), [])
  })

  for (const wrong of [{ count: 2 }, { count: 0 }, { reason: ' ' }, { path: 'src/gone.ts' }, { rule: 'no-eval' }]) {
    test(`an entry that is off is found: ${JSON.stringify(wrong)}`, () => {
      const found = withoutAllowed(findings(tree), [{ ...entry, ...wrong }])
      assert.ok(found.some(({ rule }) => rule === 'allowed'))
    })
  }
})

describe('generated lists', () => {
  const room = (folder: string) => LISTED_ROOMS.find(candidate => candidate.folder === folder)!

  test('a file each: what exports the name is listed, in order; helpers and deeper files are not', () => {
    const files = new Map([
      ['src/endpoints/models.ts', 'export const endpoint = {}'],
      ['src/endpoints/chat-completions.ts', 'export const endpoint: Endpoint = {}'],
      ['src/endpoints/endpoint.ts', 'export interface Endpoint {}'],
      ['src/endpoints/index.ts', 'export const endpoint = "old"'],
      ['src/endpoints/deep/a.ts', 'export const endpoint = {}']
    ])
    assert.equal(
      listOf(room('src/endpoints'), files),
      [
        '// Written by `npm run generate` from the files of this folder. Do not edit.',
        "import { endpoint as chatCompletions } from './chat-completions.ts'",
        "import { endpoint as models } from './models.ts'",
        '',
        "export const endpoints = {\n  'chat-completions': chatCompletions,\n  models\n} as const\n"
      ].join('\n')
    )
  })

  test('a folder each', () => {
    const files = new Map([
      ['src/dialects/openai-chat/index.ts', 'export const dialect: Dialect = {}'],
      ['src/dialects/openai-chat/lens.ts', ''],
      ['src/dialects/canonical.ts', 'export const dialect = 1']
    ])
    const text = listOf(room('src/dialects'), files)!
    assert.match(text, /import \{ dialect as openaiChat \} from '\.\/openai-chat\/index\.ts'/)
    assert.match(text, /'openai-chat': openaiChat\n\} as const/)
  })

  test('lazy: nothing is loaded before it is wanted', () => {
    const text = listOf(room('src/cli'), new Map([['src/cli/start.ts', 'export async function run() {}']]))
    assert.match(text!, /export const commands = \{\n {2}start: \(\) => import\('\.\/start\.ts'\)\n\} as const\n$/)
    assert.doesNotMatch(text!, /^import /m)
  })

  test('a room without members has no list', () => {
    assert.equal(listOf(room('src/cli'), new Map([['src/cli/output.ts', 'export const a = 1']])), undefined)
  })
})
