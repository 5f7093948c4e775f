import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { postgresBinaries } from './ledger-postgres.ts'

/** A server of a store, on a port of its own, to which things happen. */
export interface StoreServer {
  url: string
  /** Takes connections from then on; again after `kill`. */
  start(): Promise<void>
  /** Power off: nothing is said to anybody. */
  kill(): Promise<void>
  /** It is there, and its connections are, and nothing is answered. */
  freeze(): void
  thaw(): void
  /** Takes no writes any more, or again. */
  setReadOnly(isReadOnly: boolean): Promise<void>
  close(): Promise<void>
}

const READY_MS = 30_000
const LOOK_MS = 10
/** A port of the loopback interface where nothing listens. */
const NOWHERE_PORT = '1'

export function redisMissing(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return true
  }
}

/** A Redis that keeps nothing on a disk: whoever kills it makes it forget. */
export async function redisServer(): Promise<StoreServer> {
  const port = await freePort()
  const process = new ServerProcess(() =>
    spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
      stdio: 'ignore'
    })
  )
  const tell = (...words: string[]) =>
    execFileSync('redis-cli', ['-h', '127.0.0.1', '-p', `${port}`, ...words], { stdio: 'ignore' })
  return {
    url: `redis://127.0.0.1:${port}`,
    start: () => process.start(() => listens(port)),
    kill: () => process.kill(),
    freeze: () => process.signal('SIGSTOP'),
    thaw: () => process.signal('SIGCONT'),
    async setReadOnly(isReadOnly) {
      // The copy of a server that is gone: it answers, and takes no writes.
      if (isReadOnly) tell('replicaof', '127.0.0.1', NOWHERE_PORT)
      else tell('replicaof', 'no', 'one')
    },
    close: () => process.kill()
  }
}

/** A PostgreSQL in a directory of its own. */
export async function postgresServer(): Promise<StoreServer> {
  const binaries = postgresBinaries()
  if (binaries === undefined) throw new Error('PostgreSQL is not installed')
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-postgres-'))
  const who = unprivileged()
  if (who) chownSync(directory, who.uid, who.gid)
  chmodSync(directory, 0o700)
  const as = { cwd: directory, ...who, stdio: 'ignore' as const }
  const data = path.join(directory, 'data')
  execFileSync(
    path.join(binaries, 'initdb'),
    ['-D', data, '-U', 'gatehouse', '-A', 'trust', '--no-sync', '-E', 'UTF8'],
    as
  )
  const port = await freePort()
  const args = ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', directory, '-c', 'fsync=off']
  const server = new ServerProcess(() => spawn(path.join(binaries, 'postgres'), args, as))
  const isReady = () =>
    succeeds(() => execFileSync(path.join(binaries, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', `${port}`]))
  const tell = (statement: string) =>
    execFileSync(
      path.join(binaries, 'psql'),
      ['-q', '-h', '127.0.0.1', '-p', `${port}`, '-U', 'gatehouse', '-d', 'template1', '-c', statement],
      { stdio: 'ignore', env: { ...process.env, PGOPTIONS: '-c default_transaction_read_only=off' } }
    )
  return {
    url: `postgres://gatehouse@127.0.0.1:${port}/postgres`,
    start: () => server.start(async () => isReady()),
    kill: () => server.kill(),
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    async setReadOnly(isReadOnly) {
      tell(`alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`)
      tell('select pg_reload_conf()')
    },
    async close() {
      await server.kill()
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** Longest until a process that was told to stop has stopped. */
const STOPPED_MS = 500

/** A server that is started again and again, with the processes it makes. */
class ServerProcess {
  readonly #spawn: () => ChildProcess
  readonly #end = () => this.signal('SIGKILL')
  #child: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()

  constructor(run: () => ChildProcess) {
    this.#spawn = run
  }

  async start(isReady: () => Promise<boolean>): Promise<void> {
    const child = this.#spawn()
    this.#child = child
    this.#ended = once(child, 'close')
    process.once('exit', this.#end)
    const untilMs = performance.now() + READY_MS
    while (!(await isReady())) {
      if (performance.now() > untilMs || child.exitCode !== null) throw new Error(`${child.spawnfile} did not start`)
      await sleep(LOOK_MS)
    }
  }

  async kill(): Promise<void> {
    if (!this.#child) return
    this.signal('SIGKILL')
    await this.#ended
    process.off('exit', this.#end)
    this.#child = undefined
  }

  /** To it, and to what it has made: a server of many processes goes on answering when only its first one stops. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid
    if (pid === undefined) return
    const send = (each: number) => succeeds(() => process.kill(each, signal))
    if (signal === 'SIGCONT') {
      for (const each of [...childrenOf(pid), pid]) send(each)
      return
    }
    // The parent first, so that it makes no more; one that was about to stop may still have made one.
    send(pid)
    const untilMs = performance.now() + STOPPED_MS
    while (signal === 'SIGSTOP' && !isStopped(pid) && performance.now() < untilMs);
    // The system's list may leave one out while another ends.
    for (const each of new Set([...childrenOf(pid), ...childrenOf(pid)])) send(each)
  }
}

/** A process that was told to stop does so when it is next scheduled. */
function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] === 'T'
  } catch {
    return true
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function succeeds(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch {
    return false
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

/** PostgreSQL does not run as root: as the user that its package made, then. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const of = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: of('-u'), gid: of('-g') }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
