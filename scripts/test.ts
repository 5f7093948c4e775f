/**
 * `npm test`: types, lint, dead code, then every test, then the end-to-end tests of what callers
 * send and get once more through the canonical form.
 * All of it is reported; nothing stops at the first failure. The last line is `N passed, N failed, N skipped`.
 *
 *   npm test                      everything
 *   npm test -- test/wire         only these tests (folders or files), without the checks
 *   npm run check                 only the checks
 *   npm run test:canonical        everything, with FORCE_CANONICAL=1 throughout
 */
import { spawn } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

interface Count {
  passed: number
  failed: number
  skipped: number
}

const root = path.resolve(import.meta.dirname, '..')
const END_TO_END = path.join('test', 'e2e') + path.sep
/**
 * End-to-end tests that the canonical form cannot change: what they show is decided beside the answer's form (who may
 * call, what is kept, counted, erased or reported), and they have no words of a dialect to compare. They run once.
 */
const BESIDE_DIALECTS = [
  'test/e2e/cache/control.test.ts',
  'test/e2e/cache/semantic.test.ts',
  'test/e2e/guards/adapters.test.ts',
  'test/e2e/idempotency.test.ts',
  'test/e2e/logs/erase.test.ts',
  'test/e2e/logs/logs.test.ts',
  'test/e2e/money/limits.test.ts',
  'test/e2e/money/replicas.test.ts',
  'test/e2e/simulate.test.ts',
  'test/e2e/telemetry.test.ts'
].map(file => path.normalize(file))
/** For one test file. A file that leaks a handle never ends by itself; this makes it a failure with a name. */
const FILE_TIMEOUT_MS = 180_000
/** Files that are named as those to look at when the suite gets slow. */
const SLOWEST = 12

const CHECKS = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'lint', args: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'] },
  { name: 'dead code', args: ['node_modules/knip/bin/knip.js', '--no-progress'] }
]

const total: Count = { passed: 0, failed: 0, skipped: 0 }

function add(count: Count): void {
  total.passed += count.passed
  total.failed += count.failed
  total.skipped += count.skipped
}

function check(args: string[]): Promise<{ failed: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', chunk => (output += chunk))
    child.stderr.on('data', chunk => (output += chunk))
    child.once('error', reject)
    child.once('close', code => resolve({ failed: code !== 0, output }))
  })
}

async function runChecks(): Promise<void> {
  const running = CHECKS.map(({ name, args }) => ({ name, ending: check(args) }))
  for (const { name, ending } of running) {
    const { failed, output } = await ending
    console.log(`== ${name}: ${failed ? 'FAILED' : 'ok'}`)
    if (failed) console.log(output)
    add({ passed: failed ? 0 : 1, failed: failed ? 1 : 0, skipped: 0 })
  }
}

/** Test files under the given folders or files, relative to the root. A name that matches nothing is an error. */
function testFiles(wanted: string[]): string[] {
  const found = wanted.flatMap(name => {
    const isFolder = statSync(path.resolve(root, name), { throwIfNoEntry: false })?.isDirectory()
    const files = globSync(isFolder ? `${name}/**/*.test.ts` : name, { cwd: root })
    if (files.length === 0) throw new Error(`no test matches ${name}`)
    return files
  })
  return [...new Set(found.map(file => path.normalize(file)))].sort()
}

async function runTests(title: string, files: string[]): Promise<void> {
  console.log(`== ${title}: ${files.length} files`)
  let count: Count | undefined
  const stream = run({
    files: files.map(file => path.join(root, file)),
    concurrency: Math.max(2, availableParallelism()),
    timeout: FILE_TIMEOUT_MS
  })
  const took: { file: string; ms: number }[] = []
  stream.on('test:summary', ({ file, counts, duration_ms: ms }) => {
    if (file !== undefined) took.push({ file: path.relative(root, file), ms })
    else {
      const failed = counts.tests - counts.passed - counts.skipped - counts.todo
      count = { passed: counts.passed, failed, skipped: counts.skipped + counts.todo }
    }
  })
  for await (const text of stream.compose(new spec())) process.stdout.write(text)
  if (count === undefined || count.passed + count.failed + count.skipped === 0) {
    console.log(`== ${title}: FAILED, no test ran`)
    count = { passed: 0, failed: 1, skipped: 0 }
  }
  const slowest = took.toSorted((one, other) => other.ms - one.ms).slice(0, SLOWEST)
  console.log(`== the slowest: ${slowest.map(({ file, ms }) => `${file} ${(ms / 1_000).toFixed(1)} s`).join(', ')}`)
  add(count)
}

async function runSuites(wanted: string[], canonical: boolean): Promise<void> {
  const files = testFiles(wanted.length > 0 ? wanted : ['test'])
  if (canonical) process.env.FORCE_CANONICAL = '1'
  await runTests(canonical ? 'tests, canonical form forced' : 'tests', files)
  const endToEnd = files.filter(file => file.startsWith(END_TO_END) && !BESIDE_DIALECTS.includes(file))
  if (canonical || endToEnd.length === 0) return
  process.env.FORCE_CANONICAL = '1' // law e: what passes through untouched must also survive the canonical form
  await runTests('end to end, canonical form forced', endToEnd)
}

// Every test file is a process of its own: what one has compiled, the next need not.
process.env.NODE_COMPILE_CACHE ??= path.join(root, 'node_modules', '.cache', 'compiled')

const args = process.argv.slice(2)
const wanted = args.filter(arg => !arg.startsWith('--'))
if (wanted.length === 0) await runChecks()
if (!args.includes('--checks')) await runSuites(wanted, args.includes('--canonical'))
if (total.failed > 0) process.exitCode = 1
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
