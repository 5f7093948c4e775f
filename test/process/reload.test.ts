import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { startGatehouse } from '../../src/server.ts'
import { startSim } from '../../src/sim/index.ts'
import { ANTHROPIC, DOORS, type Door, OPENAI, open, send } from '../support/client.ts'
import { readSse } from '../support/dialects.ts'
import { AT_EASE, simAsBoth } from '../support/gateway.ts'
import { startedGateway, temporary } from '../support/process.ts'
import { until } from '../support/until.ts'

type Line = Record<string, unknown>

/** A gateway that watches a real file, before a simulated provider. */
async function watched(t: TestContext, rest: string) {
  const sim = await startSim({ paceMs: 5 })
  const path = join(temporary(t), 'gatehouse.yaml')
  const text = (rest: string, providers = simAsBoth(sim.url)) =>
    `listen: 127.0.0.1:0\nproviders:\n${providers}\n${rest}`
  writeFileSync(path, text(rest))
  const load = () => loadConfig({ path, env: {}, readFile: file => readFileSync(file, 'utf8') })
  const lines: Line[] = []
  const log = createLog({ level: 'info', format: 'json', to: { write: line => void lines.push(JSON.parse(line)) } })
  const forceCanonical = process.env.FORCE_CANONICAL === '1'
  const gateway = await startGatehouse({ first: load(), load, path, env: {}, log, forceCanonical, vitals: AT_EASE })
  t.after(async () => {
    await gateway.drain(2_000)
    await sim.close()
  })
  let written = 0
  return {
    sim,
    gateway,
    lines,
    text,
    /** Replaces the file as editors do, and waits for the gateway to have looked at it. */
    async rewrite(next: string): Promise<Line> {
      const from = lines.length
      const beside = `${path}.${++written}`
      writeFileSync(beside, next)
      renameSync(beside, path)
      const found = () => lines.slice(from).find(line => String(line.msg).startsWith('configuration '))
      await until(() => found() !== undefined, 'the gateway has seen the new file')
      return found() as Line
    },
    async modelOf(model: string, door: Door = OPENAI): Promise<string> {
      const answer = await send(gateway.url + door.path, { body: door.body(model, 'hi') })
      const { 'x-gatehouse-provider': provider, 'x-gatehouse-model': name } = answer.headers
      return answer.status === 200 ? `${provider}/${name}` : String(door.error(answer.json()).code)
    }
  }
}

test('200 calls in flight: three reloads drop none, every answer is complete, each kept its own plan', async t => {
  const { gateway, sim, lines, rewrite, text } = await watched(t, 'routes: { smart: openai/story }')
  const CALLS = 200
  const asked = Array.from({ length: CALLS }, async (_, n) => {
    const door = DOORS[n % 2] as Door
    const model = n % 4 < 2 ? 'smart' : `${door.provider}/story`
    const whole = n % 5 === 0
    const ask = {
      body: door.body(whole ? 'openai/slow-head-1500' : model, `call ${n} [[sim:pace=15]]`, { stream: !whole })
    }
    const answer = await open(gateway.url + door.path, ask)
    const bytes = await answer.rest()
    return { n, door, whole, status: answer.status, answer, bytes }
  })
  await until(() => sim.log().length === CALLS, 'every call is at the provider')
  assert.ok(gateway.open.calls > CALLS / 2, `${gateway.open.calls} calls are under way`)
  await rewrite(text('routes: { smart: anthropic/other }'))
  const underWay = gateway.open.calls
  await rewrite(text('routes: {}', '  openai: { base_url: "http://127.0.0.1:1/v1", keys: [k] }'))
  await rewrite(text('routes: { smart: openai/back }'))
  assert.ok(underWay > 0, 'the reload came while calls were under way')
  for (const { n, door, whole, status, bytes } of await Promise.all(asked)) {
    assert.equal(status, 200, `call ${n}: ${bytes}`)
    if (whole) assert.equal(door.said(JSON.parse(bytes.toString())), `You said: call ${n}`)
    else {
      const events = readSse([bytes])
      assert.equal(door.broken(events), undefined)
      assert.ok(door.ended(events), `call ${n} ended`)
      assert.ok(door.streamed(events).length > 300, 'the whole story')
    }
  }
  const calls = lines.filter(line => line.msg === 'call')
  assert.equal(calls.length, CALLS)
  assert.deepEqual([...new Set(calls.map(line => line.outcome))], ['done'])
  assert.equal(new Set(calls.map(line => line.configDigest)).size, 1, 'all of the plan they began with')
  assert.ok(sim.log().every(entry => entry.finish === 'ended'))
})

test('a route leads elsewhere from the next call on; a bad file changes nothing and says where it is wrong', async t => {
  const { modelOf, rewrite, text, lines } = await watched(t, 'routes: { smart: openai/first }')
  assert.equal(await modelOf('smart'), 'openai/first')
  const done = await rewrite(text('routes: { smart: anthropic/second }'))
  assert.equal(done.msg, 'configuration reloaded')
  assert.equal(await modelOf('smart'), 'anthropic/second')
  const digest = lines.findLast(line => line.msg === 'call')?.configDigest
  assert.equal(done.configDigest, digest)

  const bad: [string, RegExp][] = [
    ['routes: { smart: openai/third }\nrouts: {}', /gatehouse\.yaml:6:1 routs: .*did you mean "routes"/],
    ['routes: { smart: nobody/third }', /gatehouse\.yaml:5:\d+ .*nobody/],
    ['routes: { smart: [', /gatehouse\.yaml:5:19: not well-formed/],
    ['limits: { body: 5 }', /gatehouse\.yaml:5:\d+ .*unit/],
    ['keys: [{ name: a, key: "${NOT_SET}" }]', /gatehouse\.yaml:5:\d+ .*NOT_SET/]
  ]
  for (const [rest, why] of bad) {
    const line = await rewrite(text(rest))
    assert.equal(line.msg, 'configuration not reloaded: the one before stays in force')
    assert.equal(line.level, 'error')
    assert.match(String(line.problems), why)
    assert.equal(line.configDigest, digest, 'and which one that is')
    assert.equal(await modelOf('smart'), 'anthropic/second')
  }
  await rewrite(text('routes: { smart: openai/fourth }'))
  assert.equal(await modelOf('smart'), 'openai/fourth')
})

test('keys that change are in force with the next call; the one taken out no longer opens', async t => {
  const { gateway, rewrite, text } = await watched(t, 'keys: [{ name: a, key: key-of-a-team }]')
  const status = async (key: string | undefined) =>
    (await send(`${gateway.url}/v1/models`, { headers: { 'x-api-key': key } })).status
  assert.deepEqual(
    [await status('key-of-a-team'), await status('key-of-b-team'), await status(undefined)],
    [200, 401, 401]
  )
  await rewrite(text('keys: [{ name: b, key: key-of-b-team }]'))
  assert.deepEqual(
    [await status('key-of-a-team'), await status('key-of-b-team'), await status(undefined)],
    [401, 200, 401]
  )
  await rewrite(text(''))
  assert.equal(await status(undefined), 200)
  // In open mode again, with its guard.
  assert.equal((await send(gateway.url, { headers: { host: 'rebound.example' } })).status, 403)
})

test('a provider that is taken out finishes its calls, and is then unknown', async t => {
  const { gateway, rewrite, text, modelOf, sim } = await watched(t, '')
  const streams = await Promise.all(
    DOORS.map(async door => {
      const ask = { body: door.body('anthropic/story', 'go [[sim:pace=10]]', { stream: true }) }
      return { door, stream: await open(gateway.url + door.path, ask) }
    })
  )
  await rewrite(text('', `  openai: { base_url: "${sim.url}/v1", keys: [k], allow_private: ["127.0.0.0/8"] }`))
  assert.equal(await modelOf('anthropic/story', ANTHROPIC), 'unknown_model')
  assert.equal(gateway.open.calls, 2, 'both streams are still open')
  for (const { door, stream } of streams) assert.ok(door.ended(readSse([await stream.rest()])))
})

test('what needs a restart is said, and open mode is never given to a socket that others reach', async t => {
  const sim = await startSim()
  const lines: Line[] = []
  const log = createLog({ level: 'info', format: 'json', to: { write: line => void lines.push(JSON.parse(line)) } })
  const texts = [
    'listen: 0.0.0.0:0\nkeys: [{ name: a, key: key-of-a-team }]',
    'listen: 127.0.0.1:0',
    'listen: 0.0.0.0:1\nlog: { level: warn }\nkeys: [{ name: a, key: key-of-a-team }]'
  ]
  const load = () => loadConfig({ path: undefined, text: texts.shift() ?? '', env: {}, readFile: () => '' })
  const gateway = await startGatehouse({
    first: load(),
    load,
    path: undefined,
    env: {},
    log,
    forceCanonical: false,
    vitals: AT_EASE
  })
  t.after(async () => {
    await gateway.drain(100)
    await sim.close()
  })
  const models = () => send(`http://127.0.0.1:${gateway.port}/v1/models`)
  assert.equal((await models()).status, 401)
  assert.equal(gateway.reload(), false)
  assert.match(String(lines.at(-1)?.problems), /auth: open needs a restart.*0\.0\.0\.0/)
  assert.equal((await models()).status, 401)
  assert.equal(gateway.reload(), true)
  const warned = lines.filter(line => line.level === 'warn').map(line => line.section)
  assert.deepEqual(warned, ['listen', 'log'])
})

test('gatehouse start --config: the file is watched by the process too', async t => {
  const sim = await startSim()
  t.after(() => sim.close())
  const directory = temporary(t)
  const path = join(directory, 'my.yaml')
  const text = (target: string) => `providers:\n${simAsBoth(sim.url)}\nroutes: { smart: ${target} }\n`
  writeFileSync(path, text('openai/first'))
  const running = await startedGateway(t, ['--config', path], { cwd: directory })
  const modelOf = async () =>
    (await send(running.url + OPENAI.path, { body: OPENAI.body('smart', 'hi') })).headers['x-gatehouse-model']
  assert.equal(await modelOf(), 'first')
  const replace = (next: string) => {
    writeFileSync(`${path}~`, next)
    renameSync(`${path}~`, path)
  }
  replace(text('anthropic/second'))
  await running.untilOut(/"msg":"configuration reloaded"/)
  assert.equal(await modelOf(), 'second')
  replace(`${text('openai/third')}oops: 1\n`)
  assert.match(await running.untilOut(/"problems":"([^\n]*)/), /my\.yaml:5:1 oops: unknown key/)
  assert.equal(await modelOf(), 'second')
  running.child.kill('SIGTERM')
  assert.equal((await running.ended).code, 0)
})
