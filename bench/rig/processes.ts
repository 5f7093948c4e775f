import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { allowedCpus, describeMachine } from './cpu.ts'

/** No program of the rig outlives this, even where the rig itself was killed without a chance to clean up. */
const LIFETIME_S = 340
/** Signals that end a run early, with the exit code that shells give them. */
const ENDINGS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129]
] as const
const START_MS = 15_000
const STOP_MS = 6_000
const OUTPUT_CHARACTERS_MAX = 4_000

/** Of util-linux: on every Debian, but perhaps not elsewhere. */
const TASKSET = 'taskset'

export interface Program {
  /** Of the tree to measure. */
  pid: number
  /** What it wrote so far, the end of it. */
  output(): string
  /** Settles when it has ended. */
  ended: Promise<void>
}

/**
 * The programs and files of one run. Everything started here is stopped by `close`, and by the end of the process
 * however it comes: an error, Ctrl-C, or a closed terminal.
 */
export class Stage {
  /** A directory that is removed with the stage. */
  readonly directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-bench-'))
  /** What the figures were taken on; asked before this process gives up a CPU to the proxies. */
  readonly machine = describeMachine()
  readonly #children = new Map<ChildProcess, Promise<void>>()
  readonly #pin: { rig: string; proxy: string } | undefined
  readonly #onExit = () => this.#sweep()

  /** `pin`: whether proxies and rig get CPUs of their own, this process with the rig. */
  constructor({ pin }: { pin: boolean }) {
    this.#pin = pin ? pinning() : undefined
    process.once('exit', this.#onExit)
    for (const [signal, code] of ENDINGS) process.once(signal, () => void this.close().then(() => process.exit(code)))
    if (this.#pin) spawnSync(TASKSET, ['-a', '-c', '-p', this.#pin.rig, String(process.pid)])
  }

  /** Which CPUs the proxies and the rig run on. */
  get pinned(): string {
    return this.#pin ? `proxies on CPU ${this.#pin.proxy}, generator and mock on ${this.#pin.rig}` : 'nothing pinned'
  }

  /** Starts a program. `on` says whose CPU it runs on. Its environment is ours without what would change a proxy. */
  run(on: 'rig' | 'proxy', command: readonly string[]): Program {
    const bounded = ['-k', '5', String(LIFETIME_S)]
    const pinned = this.#pin ? [TASKSET, '-c', this.#pin[on]] : []
    const child = spawn('timeout', [...bounded, ...pinned, ...command], {
      cwd: this.directory,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let output = ''
    const keep = (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARACTERS_MAX)
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    const ended = new Promise<void>(resolve => {
      child.once('error', error => {
        keep(String(error))
        resolve()
      })
      child.once('close', () => resolve())
    })
    this.#children.set(child, ended)
    void ended.then(() => this.#children.delete(child))
    return { pid: child.pid ?? 0, output: () => output, ended }
  }

  /** Ends every program and waits until they have; the directory stays. */
  async stopPrograms(): Promise<void> {
    const endings = [...this.#children.values()]
    for (const child of this.#children.keys()) child.kill('SIGTERM')
    await Promise.race([Promise.all(endings), wait(STOP_MS)])
  }

  async close(): Promise<void> {
    await this.stopPrograms()
    this.#sweep()
    process.off('exit', this.#onExit)
  }

  #sweep(): void {
    for (const child of this.#children.keys()) child.kill('SIGTERM')
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Waits until the program says where it listens, as `listens on http://127.0.0.1:PORT`. Rejects with its output. */
export async function portFrom(program: Program): Promise<number> {
  return await until(program, () => {
    const port = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(program.output())?.[1]
    return port === undefined ? undefined : Number(port)
  })
}

/** Polls until `look` has an answer. Rejects with the program's output when it ends before, or takes too long. */
export async function until<T>(program: Program, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  let ended = false
  void program.ended.then(() => {
    ended = true
  })
  for (const deadline = performance.now() + START_MS; performance.now() < deadline && !ended; await wait(25)) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error(`${ended ? 'ended' : 'did not start'}: ${lastLines(program.output())}`)
}

export function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ') || 'it wrote nothing'
}

/** The proxies get the last CPU for themselves and the rig the others, where there are two and `taskset` to say so. */
function pinning(): { rig: string; proxy: string } | undefined {
  const own = allowedCpus()
  const last = own.at(-1)
  if (own.length < 2 || last === undefined || spawnSync(TASKSET, ['-V']).status !== 0) return undefined
  return { rig: own.slice(0, -1).join(','), proxy: String(last) }
}
