/** The launcher (docs/decisions/0001-runtime.md), in a checkout with stand-ins for npm and the gateway. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { describe, type TestContext, test } from 'node:test'
import { Checkout, type Ended, FAKE_MAIN, isAlive, until } from './checkout.ts'

/** A launcher that waits for ever is a failure with a name, and its processes are ended. */
const LIMIT_MS = 30_000
const skip = process.platform === 'win32' && 'the stand-ins are POSIX scripts'

function greeting(ended: { stdout: string }): { argv: string[]; pid: number } {
  return JSON.parse(ended.stdout.split('\n')[0]!)
}

async function serve(checkout: Checkout, { child, ended } = checkout.start(['serve'])) {
  let said = ''
  child.stdout!.on('data', chunk => (said += chunk))
  await until('the greeting', () => said.includes('\n'))
  return { child, ended, pid: greeting({ stdout: said }).pid }
}

function succeeded(ended: Ended): void {
  assert.equal(ended.code, 0, ended.stderr)
}

describe('installing', { skip, concurrency: true, timeout: LIMIT_MS }, () => {
  test('a fresh checkout is installed once, and the arguments arrive', async context => {
    const checkout = new Checkout(context)
    const first = await checkout.launch(['start', '--port', '9000'])
    succeeded(first)
    assert.deepEqual(greeting(first).argv, ['start', '--port', '9000'])
    assert.match(first.stderr, /installing/)
    const second = await checkout.launch(['start'])
    succeeded(second)
    assert.equal(second.stderr, '')
    assert.equal(checkout.npmCalls(), 1)
  })

  test('of launchers at once, one installs and the others wait', async context => {
    const checkout = new Checkout(context)
    const all = await Promise.all(['a', 'b', 'c'].map(name => checkout.launch([name])))
    for (const ended of all) succeeded(ended)
    assert.deepEqual(
      all.map(ended => greeting(ended).argv),
      [['a'], ['b'], ['c']]
    )
    assert.equal(checkout.npmCalls(), 1)
    assert.equal(checkout.exists('.installing'), false)
  })

  test('a changed lockfile is installed again', async context => {
    const checkout = new Checkout(context)
    succeeded(await checkout.launch([]))
    checkout.lock('1.0.1')
    succeeded(await checkout.launch([]))
    assert.equal(checkout.npmCalls(), 2)
  })

  test('what npm ci by hand installed is not installed again', async context => {
    const checkout = new Checkout(context)
    succeeded(await checkout.launch([]))
    checkout.write('node_modules/.gatehouse-stamp.json', 'half a st')
    succeeded(await checkout.launch([]))
    assert.equal(checkout.npmCalls(), 1)
  })

  test('a failed install says so, ends with 1, and leaves the way free for the next', async context => {
    const checkout = new Checkout(context)
    const failed = await checkout.launch([], { npm: 'fail' })
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /npm ci failed \(exit code 3\)/)
    assert.equal(failed.stdout, '')
    assert.equal(checkout.exists('.installing'), false)
    succeeded(await checkout.launch([]))
  })

  test('a lock left by a killed install is taken over: its owner is gone, or its heartbeat is old', async context => {
    const checkout = new Checkout(context)
    const leaveLock = (owner: object) => {
      mkdirSync(checkout.path('.installing'))
      writeFileSync(checkout.path('.installing/owner.json'), JSON.stringify(owner))
    }
    leaveLock({ host: os.hostname(), pids: [2 ** 30] })
    succeeded(await checkout.launch([]))
    checkout.lock('1.0.1')
    leaveLock({ host: 'another', pids: [process.pid] })
    const old = new Date(Date.now() - 301_000)
    utimesSync(checkout.path('.installing'), old, old)
    succeeded(await checkout.launch([]))
    assert.equal(checkout.npmCalls(), 2)
  })

  test('a lock with a living owner is waited for', async context => {
    const checkout = new Checkout(context)
    checkout.write('.installing/owner.json', JSON.stringify({ host: os.hostname(), pids: [process.pid] }))
    const { child, ended } = checkout.start([])
    await new Promise(resolve => child.stderr!.once('data', resolve))
    assert.equal(checkout.npmCalls(), 0)
    rmSync(checkout.path('.installing'), { recursive: true })
    succeeded(await ended)
    assert.equal(checkout.npmCalls(), 1)
  })

  test('SIGTERM during the install ends npm too', async context => {
    const checkout = new Checkout(context)
    const { child, ended } = checkout.start([], { npm: 'hang' })
    await until('npm', () => checkout.npmCalls() === 1)
    child.kill('SIGTERM')
    assert.equal((await ended).signal, 'SIGTERM')
    const npmPid = Number(readFileSync(checkout.path('npm-calls'), 'utf8').split(' ')[1])
    assert.equal(isAlive(npmPid), false)
    assert.equal(checkout.exists('.installing'), false)
  })
})

describe('which Node', { skip, concurrency: true, timeout: LIMIT_MS }, () => {
  test('no binary for this platform: a new enough machine runs its own', async context => {
    const checkout = new Checkout(context)
    succeeded(await checkout.launch([], { npm: 'no-binary' }))
    succeeded(await checkout.launch([]))
    assert.equal(checkout.npmCalls(), 1)
  })

  test('a binary that does not run here (glibc on musl) is as good as none', async context => {
    succeeded(await new Checkout(context).launch([], { npm: 'broken-binary' }))
  })

  test('an old machine without a binary is told the way out', async context => {
    const checkout = new Checkout(context)
    for (const npm of ['no-binary', 'broken-binary'] as const) {
      const ended = await checkout.launch([], { npm, old: true })
      assert.equal(ended.code, 1)
      assert.match(ended.stderr, /needs Node\.js 24 or newer[\s\S]*Ways out: install Node\.js 24/)
      checkout.lock(npm)
    }
  })

  test('--run hands another file over, with its arguments', async context => {
    const checkout = new Checkout(context)
    checkout.write('scripts/other.ts', 'const words: string[] = process.argv.slice(2)\nconsole.log(words.join())')
    const ended = await checkout.launch(['--run', 'scripts/other.ts', 'a', '--b'])
    assert.equal(ended.stdout, 'a,--b\n')
    assert.equal((await checkout.launch(['--run'])).code, 1)
  })
})

/** Both ways to hand over must look the same from outside. */
for (const [way, options] of [
  ['replacing the process', {}],
  ['as a child of an old Node', { old: true }]
] as const) {
  describe(`handing over, ${way}`, { skip, concurrency: true, timeout: LIMIT_MS }, () => {
    const stops = (signal: NodeJS.Signals) => async (context: TestContext) => {
      const checkout = new Checkout(context)
      const { child, ended, pid } = await serve(checkout, checkout.start(['serve'], options))
      assert.equal(pid === child.pid, !('old' in options))
      child.kill(signal)
      assert.equal((await ended).code, 7)
      assert.equal(isAlive(pid), false)
    }
    test('SIGTERM reaches the gateway, and nothing is left', stops('SIGTERM'))
    test('SIGINT reaches the gateway, and nothing is left', stops('SIGINT'))

    test('its exit code and its signal are ours', async context => {
      const checkout = new Checkout(context)
      assert.equal((await checkout.launch(['exit', '5'], options)).code, 5)
      assert.equal((await checkout.launch(['kill'], options)).signal, 'SIGKILL')
    })
  })
}

test('under npx, which stops only the shell between us, the end of that shell stops the gateway', {
  skip
}, async context => {
  const checkout = new Checkout(context)
  checkout.write('node_modules/gatehouse/package.json', '{ "type": "module" }')
  checkout.write('node_modules/gatehouse/dist/main.js', FAKE_MAIN)
  cpSync(checkout.path('bin'), checkout.path('node_modules/gatehouse/bin'), { recursive: true })
  const program = checkout.path('node_modules/gatehouse/bin/gatehouse.cjs')
  const script = `"${process.execPath}" "${program}" serve; true`
  const { child, pid } = await serve(
    checkout,
    checkout.run('sh', ['-c', script], { ...process.env, npm_command: 'exec' })
  )
  assert.notEqual(pid, child.pid)
  child.kill('SIGTERM')
  await until('its end', () => !isAlive(pid))
})
