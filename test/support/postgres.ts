import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

const BINARIES = '/usr/lib/postgresql'
const USER = 'gatehouse'
const READY_MS = 30_000

/** A PostgreSQL of its own, thrown away when it is closed. */
export interface TestPostgres {
  url: string
  pid: number
  /** The address of a new, empty database. */
  database(): string
  close(): Promise<void>
}

/** The programs of the newest that is installed; undefined: none is (Debian: apt-get install postgresql). */
export function postgresBinaries(): string | undefined {
  const versions = existsSync(BINARIES) ? readdirSync(BINARIES).filter(name => /^\d+$/.test(name)) : []
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  return newest && path.join(BINARIES, newest, 'bin')
}

/** Starts one on a free port of the loopback interface. Nothing of it outlives the power: it is fast. */
export async function startPostgres(settings: readonly string[] = []): Promise<TestPostgres> {
  const binaries = postgresBinaries()
  if (binaries === undefined) throw new Error('PostgreSQL is not installed')
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-postgres-'))
  const who = unprivileged()
  if (who) chownSync(directory, who.uid, who.gid)
  chmodSync(directory, 0o700)
  const data = path.join(directory, 'data')
  const as = { cwd: directory, ...who }
  const init = ['-D', data, '-U', USER, '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C']
  execFileSync(path.join(binaries, 'initdb'), init, { ...as, stdio: 'ignore' })
  const port = await freePort()
  const fast = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', ...settings].flatMap(each => [
    '-c',
    each
  ])
  const listen = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', directory, ...fast]
  const server = spawn(path.join(binaries, 'postgres'), listen, { ...as, stdio: 'ignore' })
  const kill = () => void server.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(server, 'close')
  const close = async () => {
    process.off('exit', kill)
    // A fast shutdown: who is connected is told to go. One that is frozen hears of nothing.
    server.kill('SIGCONT')
    server.kill('SIGINT')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  const run = (program: string, ...args: string[]) =>
    execFileSync(path.join(binaries, program), ['-h', '127.0.0.1', '-p', String(port), ...args], { stdio: 'pipe' })
  const deadlineMs = performance.now() + READY_MS
  while (!succeeds(() => run('pg_isready', '-q'))) {
    if (performance.now() > deadlineMs || server.exitCode !== null) {
      await close()
      throw new Error('PostgreSQL did not start')
    }
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  const at = `postgres://${USER}@127.0.0.1:${port}`
  let made = 0
  return {
    url: `${at}/postgres`,
    pid: server.pid!,
    database() {
      const name = `test_${++made}`
      run('createdb', '-U', USER, name)
      return `${at}/${name}`
    },
    close
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

/** PostgreSQL does not run as root: as the user that its package made, then. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const of = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: of('-u'), gid: of('-g') }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
