import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { until } from '../../test/support/until.ts'

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts')
const START_MS = 30_000
/** What else runs on the machine must not make the gateway turn calls away: each proof is of one mechanism. */
const UNHURRIED = 'overload: { loop_lag: 60s, memory: 99% }\n'

/** A row of the gateway's own log about one call. */
export interface CallRow {
  id: string
  modelAsked: string
  status: number
  outcome: 'done' | 'failed' | 'aborted'
  attempts: number
}

/** The gateway under proof: a process of its own, started as people start it. */
export interface ProofGateway {
  url: string
  /** What its log says of calls that are over. Lines leave in batches: a fresh one takes up to half a second. */
  rows(): CallRow[]
  /** Resident memory, in bytes; undefined where the system does not tell. */
  rssBytes(): number | undefined
  kill(signal: NodeJS.Signals): void
  /** When it has ended, and all it wrote was read. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  close(): Promise<void>
}

/** Starts `gatehouse start` with this configuration; rejects with what it wrote where it does not come up. */
export async function startGateway(yaml: string): Promise<ProofGateway> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-proof-'))
  const config = path.join(directory, 'gatehouse.yaml')
  writeFileSync(config, UNHURRIED + yaml)
  const child = spawn(process.execPath, [MAIN, 'start', '--port', '0', '--config', config], {
    cwd: directory,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  // Also where the proof itself is stopped early.
  const onExit = () => {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  process.once('exit', onExit)
  const output = new Output()
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.add(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => output.add(text))
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  let over = false
  void ended.then(() => {
    over = true
  })
  const close = async () => {
    process.off('exit', onExit)
    // What is to be known of it is known by now; nobody waits for its calls.
    child.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  await until(() => output.url !== undefined || over, 'the banner of the gateway', START_MS)
  if (output.url === undefined) {
    await close()
    throw new Error(`the gateway did not start: ${output.words.trim().split('\n').slice(-5).join(' | ')}`)
  }
  return {
    url: output.url,
    rows: () => output.rows,
    rssBytes: () => rssOf(child.pid),
    kill: signal => void child.kill(signal),
    ended,
    close
  }
}

/** What the gateway writes: its banner, then a JSON object a line. */
class Output {
  readonly rows: CallRow[] = []
  url: string | undefined
  /** Lines that are no JSON: the banner, or why it did not start. */
  words = ''
  #rest = ''

  add(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (!line.startsWith('{')) {
      this.words += `${line}\n`
      this.url ??= /Gatehouse listens on (http:\S+?): /.exec(line)?.[1]
      return
    }
    const row = JSON.parse(line) as CallRow & { msg: string }
    if (row.msg === 'call') this.rows.push(row)
  }
}

function rssOf(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    return undefined
  }
}
