import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { MODEL, UPSTREAM_KEY } from './payloads.ts'
import { type Program, portFrom, type Stage, until } from './processes.ts'

/** Something under test, or the mock itself: where it listens and what it wants to hear. */
export interface Subject {
  name: string
  pid: number
  port: number
  /** The model and credential that it turns into the upstream's. */
  model: string
  key: string
}

const MOCK = fileURLToPath(new URL('./mock.ts', import.meta.url))
const BARE = fileURLToPath(new URL('./bare.ts', import.meta.url))
const CONSTANT = fileURLToPath(new URL('./constant.ts', import.meta.url))
const WASTEFUL = fileURLToPath(new URL('./wasteful.ts', import.meta.url))
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const CLIENT_KEY = 'gh-bench-client-0123456789'
const NGINX_ATTEMPTS = 3

/** Runs one of the TypeScript programs of this repository with this very Node. */
const node = (...args: string[]) => [process.execPath, ...args]

export async function startMock(stage: Stage): Promise<Subject> {
  const program = stage.run('rig', node(MOCK))
  return { name: 'mock', pid: program.pid, port: await portFrom(program), model: MODEL, key: UPSTREAM_KEY }
}

/** The gateway as people run it: `gatehouse start` with a configuration file, with keys, so that a call is authenticated. */
export async function startGateway(
  stage: Stage,
  upstreamPort: number,
  nodeFlags: readonly string[] = []
): Promise<Subject> {
  return start(stage, 'gateway', nodeFlags, `${KEYS}${atMock(upstreamPort)}`)
}

/** The same with everything on: budgets in dollars, limits of all kinds, prices. */
export function startFull(stage: Stage, upstreamPort: number): Promise<Subject> {
  return start(stage, 'everything', [], `${KEYS}${atMock(upstreamPort)}${EVERYTHING}`)
}

/** The same with a cache that every call but the first is answered from. */
export function startCaching(stage: Stage, upstreamPort: number, nodeFlags: readonly string[] = []): Promise<Subject> {
  return start(stage, 'caching', nodeFlags, `${KEYS}${atMock(upstreamPort)}cache: { mode: exact }\n`)
}

/** The same with budgets and limits, which look at each call: none is answered without being read. */
export function startCachingFull(stage: Stage, upstreamPort: number): Promise<Subject> {
  return start(stage, 'caching, everything', [], `${KEYS}${atMock(upstreamPort)}${EVERYTHING}cache: { mode: exact }\n`)
}

/** An HTTP server of Node's own that says the same to everybody. */
export async function startConstant(stage: Stage): Promise<Subject> {
  const program = stage.run('proxy', node(CONSTANT))
  return { name: 'constant', pid: program.pid, port: await portFrom(program), model: MODEL, key: UPSTREAM_KEY }
}

/** The same with nothing kept at all, not even a ledger: nobody can run it so. */
export async function startBare(stage: Stage, upstreamPort: number): Promise<Subject> {
  const program = stage.run('proxy', node(BARE, `${KEYS}${atMock(upstreamPort)}`))
  return { name: 'nothing', pid: program.pid, port: await portFrom(program), model: `lab/${MODEL}`, key: CLIENT_KEY }
}

function atMock(port: number): string {
  return `listen: 127.0.0.1:0
log: { level: warn }
providers:
  lab:
    like: openai
    base_url: http://127.0.0.1:${port}/v1
    keys: [${UPSTREAM_KEY}]
    allow_private: [127.0.0.0/8]
`
}

const KEYS = `auth: keys
keys: [{ name: bench, key: ${CLIENT_KEY}, team: bench, org: bench }]
`

const EVERYTHING = `budgets:
  - { scope: { key: "*" }, limit: { usd: "1000000" }, window: month }
  - { scope: { team: bench }, limit: { usd: "1000000" }, window: rolling 30d }
  - { scope: { org: bench }, limit: { tokens: 1000000000000 }, window: day }
rate_limits:
  - { scope: { key: "*" }, requests: 100M/minute }
  - { scope: { team: "*" }, tokens: 100B/minute }
  - { scope: { key: "*" }, calls: 1000 }
prices:
  - { provider: lab, model: "*", usd: { input_mtok: 1, output_mtok: 4 } }
`

async function start(stage: Stage, name: string, nodeFlags: readonly string[], yaml: string): Promise<Subject> {
  const config = path.join(stage.directory, `${name}.yaml`)
  writeFileSync(config, yaml)
  const data = mkdtempSync(path.join(stage.directory, `data-${name}-`))
  const program = stage.run('proxy', node(...nodeFlags, MAIN, 'start', '--config', config, '--data', data))
  return { name, pid: program.pid, port: await portFrom(program), model: `lab/${MODEL}`, key: CLIENT_KEY }
}

/** The stand-in of `--break`. */
export async function startWasteful(stage: Stage, upstreamPort: number): Promise<Subject> {
  const args = [WASTEFUL, `http://127.0.0.1:${upstreamPort}/v1`, UPSTREAM_KEY]
  const program = stage.run('proxy', node(...args))
  return { name: 'wasteful', pid: program.pid, port: await portFrom(program), model: `lab/${MODEL}`, key: CLIENT_KEY }
}

/** `1.22.1`, or undefined where nginx is not installed. Debian keeps it in /usr/sbin, which users' paths may lack. */
export function nginxVersion(): string | undefined {
  return NGINX_COMMANDS.map(versionOf).find(version => version !== undefined)
}

const NGINX_COMMANDS = ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx']

function versionOf(command: string): string | undefined {
  return /nginx\/(\S+)/.exec(spawnSync(command, ['-v'], { encoding: 'utf8' }).stderr ?? '')?.[1]
}

/** nginx at its best for this work: one worker, no buffering either way, connections kept on both sides, no log. */
export async function startNginx(stage: Stage, upstreamPort: number): Promise<Subject> {
  const command = NGINX_COMMANDS.find(name => versionOf(name) !== undefined)
  if (command === undefined) throw new Error('nginx is not installed')
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      const program = runNginx(stage, command, port, upstreamPort)
      await until(program, () => accepts(port))
      return { name: 'nginx', pid: program.pid, port, model: MODEL, key: UPSTREAM_KEY }
    } catch (error) {
      // nginx cannot ask for any free port, and another program may take the one found before nginx does.
      if (attempt === NGINX_ATTEMPTS) throw error
    }
  }
}

function runNginx(stage: Stage, command: string, port: number, upstreamPort: number): Program {
  const home = path.join(stage.directory, `nginx-${port}`)
  mkdirSync(home)
  const file = path.join(home, 'nginx.conf')
  writeFileSync(file, nginxConfig(home, port, upstreamPort))
  return stage.run('proxy', [command, '-e', 'stderr', '-p', home, '-c', file])
}

function nginxConfig(home: string, port: number, upstreamPort: number): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${home}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  ${kinds.map(kind => `${kind}_temp_path ${home}/${kind};`).join('\n  ')}
  keepalive_requests 100000000;
  client_max_body_size 64m;
  upstream lab { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://lab;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
    }
  }
}
`
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1')
    const settle = (answer: true | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(undefined))
  })
}
