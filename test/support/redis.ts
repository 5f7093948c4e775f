import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

const READY_MS = 10_000

/** A Redis of its own, thrown away when it is closed. */
export interface TestRedis {
  url: string
  pid: number
  close(): Promise<void>
}

/** Debian: apt-get install redis-server. */
export function redisInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Starts one on a port of the loopback interface, by default a free one. It keeps nothing. */
export async function startRedis(port?: number): Promise<TestRedis> {
  const at = port ?? (await freePort())
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-redis-'))
  const settings = ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory]
  const server = spawn('redis-server', settings, { stdio: 'ignore' })
  const kill = () => void server.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(server, 'close')
  const close = async () => {
    process.off('exit', kill)
    server.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  const deadlineMs = performance.now() + READY_MS
  while (!(await accepts(at))) {
    if (performance.now() > deadlineMs || server.exitCode !== null) {
      await close()
      throw new Error('Redis did not start')
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return { url: `redis://127.0.0.1:${at}`, pid: server.pid!, close }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
