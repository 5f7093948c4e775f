import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts')
const BROKEN_MAIN = path.join(import.meta.dirname, 'ledger-main.ts')
const START_MS = 60_000
const OUTPUT_CHARS_MAX = 4_000

/** A gateway that is started again and again in the same directory, where its data are. */
export interface Start {
  directory: string
  config: string
  /** Started by `brokenMain`: default, without a journal. */
  isBroken: boolean
  brokenMain?: string
}

/** One life of it. */
export class LedgerGateway {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #kill = () => void this.#child.kill('SIGKILL')
  #output = ''
  #isOver = false

  constructor({ directory, config, isBroken, brokenMain = BROKEN_MAIN }: Start) {
    const args = isBroken ? [brokenMain, config] : [MAIN, 'start', '--port', '0', '--config', config]
    this.#child = spawn(process.execPath, args, {
      cwd: directory,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    process.once('exit', this.#kill)
    const add = (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX)
      this.#url ??= /Gatehouse listens on (http:\S+?): /.exec(this.#output)?.[1]
      if (this.#url !== undefined) this.#hasStarted()
    }
    this.#child.stdout!.setEncoding('utf8').on('data', add)
    this.#child.stderr!.setEncoding('utf8').on('data', add)
    this.#ended = once(this.#child, 'close').then(() => {
      this.#isOver = true
      process.off('exit', this.#kill)
      this.#hasStarted()
    })
  }

  #url: string | undefined
  #hasStarted = () => {}

  /** Its address, when it takes calls; rejects with its last words where it ends before. */
  async url(): Promise<string> {
    const started = new Promise<void>(resolve => {
      this.#hasStarted = resolve
      if (this.#url !== undefined || this.#isOver) resolve()
    })
    const late = setTimeout(this.#kill, START_MS)
    await started
    clearTimeout(late)
    if (this.#url !== undefined) return this.#url
    throw new Error(`the gateway did not start: ${this.#output.trim().split('\n').slice(-5).join(' | ')}`)
  }

  /** Its last words, where it is over. */
  get died(): string | undefined {
    return this.#isOver ? this.#output.trim().split('\n').slice(-12).join(' | ') : undefined
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<void> {
    this.#child.kill(signal)
    await this.#ended
  }
}
