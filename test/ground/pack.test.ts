/**
 * The published package, from its tarball: packed, unpacked beside production dependencies only, and run. Installing it
 * would need a registry, so the dependencies are links to those of this checkout.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { OLD_NODE, repository } from './checkout.ts'

const run = promisify(execFile)
const manifest = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'))
const CARRIED = ['bin', 'docs', 'src', 'scripts', 'tsconfig.json', 'tsconfig.build.json', 'package.json']
const SHIPPED = ['LICENSE', 'README.md', 'CHANGELOG.md']

let folder: string
let packed: string[]
let program: string

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'gatehouse-pack-'))
  const checkout = path.join(folder, 'checkout')
  for (const name of [...CARRIED, ...SHIPPED]) {
    const source = path.join(repository, name)
    if (existsSync(source)) cpSync(source, path.join(checkout, name), { recursive: true })
  }
  symlinkSync(path.join(repository, 'node_modules'), path.join(checkout, 'node_modules'), 'junction')
  await run(process.execPath, ['scripts/build.ts'], { cwd: checkout })
  // Without prepack, which would go through the launcher and might install into the linked folder.
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js')
    ? [process.execPath, process.env.npm_execpath]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm']
  const pack = [...npm.slice(1), 'pack', '--ignore-scripts', '--json', '--offline']
  const { stdout } = await run(npm[0]!, pack, { cwd: checkout, shell: npm[0] === 'npm.cmd' })
  const [{ filename, files }] = JSON.parse(stdout)
  packed = files.map((file: { path: string }) => file.path)
  program = install(path.join(checkout, filename))
  await run('tar', ['-xzf', path.join(checkout, filename), '-C', path.dirname(path.dirname(program)), '--strip', '1'])
})

after(() => rmSync(folder, { recursive: true, force: true }))

/** An application that depends on Gatehouse: what the lockfile calls production, and a place for the package. */
function install(tarball: string): string {
  assert.ok(existsSync(tarball))
  const modules = path.join(folder, 'app', 'node_modules')
  const { packages } = JSON.parse(readFileSync(path.join(repository, 'package-lock.json'), 'utf8'))
  for (const [where, entry] of Object.entries<{ dev?: boolean }>(packages)) {
    const [, name, ...deeper] = where.split('node_modules/')
    const source = path.join(repository, where)
    if (name === undefined || deeper.length > 0 || entry.dev || !existsSync(source)) continue
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true })
    symlinkSync(source, path.join(modules, name), 'junction')
  }
  mkdirSync(path.join(modules, 'gatehouse'), { recursive: true })
  return path.join(modules, 'gatehouse', 'bin', 'gatehouse.cjs')
}

describe('the published package', () => {
  test('carries the program and its papers, and no source', () => {
    for (const file of ['bin/gatehouse.cjs', 'dist/main.js', 'package.json', ...SHIPPED]) {
      assert.ok(packed.includes(file), `${file} is missing`)
    }
    const strays = packed.filter(file => /^(?:src|test|bench|scripts)\/|\.ts$/.test(file))
    assert.deepEqual(strays, [])
  })

  test('carries every data file of src/', () => {
    const files = globSync('**/*', { cwd: path.join(repository, 'src'), withFileTypes: true })
    const data = files.filter(file => file.isFile() && !file.name.endsWith('.ts'))
    for (const { parentPath, name } of data) {
      const published = path.join('dist', path.relative(path.join(repository, 'src'), parentPath), name)
      assert.ok(packed.includes(published.split(path.sep).join('/')), `${published} is missing`)
    }
  })

  test('runs on this Node', async () => {
    const { stdout } = await run(process.execPath, [program, '--version'])
    assert.match(stdout, new RegExp(`\\b${manifest.version}\\b`))
  })

  test('brings its own Node where the machine has an old one', async () => {
    const old = path.join(folder, 'old-node.cjs')
    writeFileSync(old, OLD_NODE)
    const { stdout } = await run(process.execPath, ['--require', old, program, '--version'])
    assert.match(stdout, new RegExp(`\\b${manifest.version}\\b`))
  })
})
