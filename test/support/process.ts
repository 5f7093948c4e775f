import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { until } from './until.ts'

export const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

/** `gatehouse …` as a process of its own. */
export interface Running {
  child: ChildProcess
  out(): string
  err(): string
  /** Waits for the text in standard output, and returns what its first group matched. */
  untilOut(pattern: RegExp): Promise<string>
  /** When it has ended, and both outputs have been read. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export interface RunOptions {
  /** Nothing else but the path: no key of the machine that runs the tests gets in. */
  env?: Record<string, string>
  cwd?: string
}

/** Starts it; what a test leaves running is killed after it. */
export function gatehouse(t: TestContext, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd ?? temporary(t),
    env: { PATH: process.env.PATH, ...canonical(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let out = ''
  let err = ''
  child.stdout.on('data', chunk => {
    out += chunk
  })
  child.stderr.on('data', chunk => {
    err += chunk
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  t.after(() => {
    child.kill('SIGKILL')
    return ended
  })
  return {
    child,
    out: () => out,
    err: () => err,
    async untilOut(pattern) {
      await until(() => pattern.test(out) || child.exitCode !== null, `${pattern} in the output`)
      const match = pattern.exec(out)
      if (!match) throw new Error(`ended without ${pattern}: ${out}${err}`)
      return match[1] ?? match[0]
    },
    ended
  }
}

function canonical(): Record<string, string> {
  const { FORCE_CANONICAL } = process.env
  return FORCE_CANONICAL === undefined ? {} : { FORCE_CANONICAL }
}

/** A gateway process that listens; its address is in its banner. */
export async function startedGateway(
  t: TestContext,
  args: readonly string[] = [],
  options: RunOptions = {}
): Promise<Running & { url: string; port: number }> {
  const running = gatehouse(t, ['start', '--port', '0', ...args], options)
  const url = await running.untilOut(/Gatehouse listens on (http:\S+?): /)
  // The last line of the banner.
  await running.untilOut(/Configuration: .*\n/)
  return { ...running, url, port: Number(new URL(url).port) }
}

/** A directory that goes with the test. */
export function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
