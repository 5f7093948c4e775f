import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { VERSION } from '../../src/version.ts'
import { ANTHROPIC, OPENAI, send } from '../support/client.ts'
import { gatehouse, startedGateway, temporary } from '../support/process.ts'

const SECRET = 'sk-canary-of-the-environment'

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The printed command, as a person would run it. */
async function paste(command: string): Promise<string> {
  if (hasCurl()) return (await promisify(execFile)('sh', ['-c', `${command} -sS`])).stdout
  const [, url = '', body = ''] = /^curl (\S+) .*-d '(.*)'$/.exec(command) ?? []
  return (await send(url, { body })).text
}

test('start: nothing given: the banner, and its command answers at once', async t => {
  const cwd = temporary(t)
  const running = await startedGateway(t, [], { cwd })
  const command = await running.untilOut(/Try: (curl .*)/)
  const answer = JSON.parse(await paste(command))
  assert.equal(answer.choices[0].message.content, 'Hello')
  assert.equal(answer.model, 'echo')
  // The same three lines on the page.
  const banner = running.out()
  const [first, second, third] = banner.trim().split('\n\n')
  assert.match(first ?? '', new RegExp(`^Gatehouse listens on ${running.url}: OpenAI clients use ${running.url}/v1 `))
  assert.match(second ?? '', /^Providers found: sim\. Not found \(set the variable\): .*openai \(OPENAI_API_KEY\)/)
  const page = (await send(`${running.url}/`)).text.replace(/&#(\d+);/g, (_, n: string) =>
    String.fromCharCode(Number(n))
  )
  assert.ok(page.includes(first ?? '?'))
  assert.ok(page.includes((third ?? '?').replace('Try: ', '')))
  assert.match(banner, /Configuration: none \(all defaults\)\. Calls need no key/)
  // Every other command of the page answers as well.
  const commands = [...page.matchAll(/<pre>(curl [^<]*)<\/pre>/g)].map(match => match[1] ?? '')
  assert.equal(commands.length, 8)
  if (hasCurl()) for (const each of commands) assert.doesNotMatch(await paste(each), /"error":\s*\{/, each)
  assert.ok(existsSync(join(cwd, 'data')), 'the data directory is made where we run')
  running.child.kill('SIGINT')
  assert.deepEqual(await running.ended, { code: 0, signal: null })
})

test('start: the simulated provider says that it is one', async t => {
  const { url } = await startedGateway(t)
  for (const door of [OPENAI, ANTHROPIC]) {
    const answer = await send(url + door.path, { body: door.body('sim/echo', 'over there') })
    assert.equal(door.said(answer.json()), 'over there')
    assert.equal(answer.headers['x-gatehouse-simulated'], 'true')
    assert.equal(answer.headers['x-gatehouse-provider'], 'sim')
  }
})

test('start: with a key in the environment there is no simulated provider, and no secret anywhere', async t => {
  const env = { OPENAI_API_KEY: SECRET, GATEHOUSE_KEY: `${SECRET}-of-clients` }
  const running = await startedGateway(t, [], { env })
  const authorization = `Bearer ${env.GATEHOUSE_KEY}`
  const answer = await send(running.url + OPENAI.path, {
    body: OPENAI.body('sim/echo', 'hi'),
    headers: { authorization }
  })
  assert.equal(answer.status, 404)
  assert.match(OPENAI.error(answer.json()).message, /provider sim is off \(turn it on with "sim: true"\)/)
  const refused = await send(running.url + OPENAI.path, { body: OPENAI.body('gpt-5.5', 'hi') })
  assert.equal(refused.status, 401)
  // Lines leave in batches, and soon.
  await running.untilOut(/"msg":"refused"/)
  await running.untilOut(/"code":"unknown_model"/)
  assert.match(running.out(), /Providers found: openai\./)
  assert.match(running.out(), /-H "authorization: Bearer \$GATEHOUSE_KEY"/)
  const { text } = await send(`${running.url}/`)
  running.child.kill('SIGINT')
  await running.ended
  for (const told of [running.out(), running.err(), text, answer.text, refused.text]) assert.ok(!told.includes(SECRET))
})

test('start: a key that the provider refuses is named by its variable and its last characters', async t => {
  const sim = gatehouse(t, ['sim', '--port', '0'])
  const url = await sim.untilOut(/Simulated provider on (http:\S+)/)
  const cwd = temporary(t)
  const config = `providers: { openai: { base_url: "${url}/v1", keys: ["\${OPENAI_API_KEY}"], allow_private: ["127.0.0.0/8"] } }`
  writeFileSync(join(cwd, 'gatehouse.yaml'), config)
  const running = await startedGateway(t, [], { cwd, env: { OPENAI_API_KEY: SECRET } })
  assert.match(running.out(), /Configuration: gatehouse\.yaml\./, 'found by its name in the working directory')
  const answer = await send(running.url + OPENAI.path, { body: OPENAI.body('bad-key', 'hi') })
  assert.equal(answer.status, 502)
  assert.match(OPENAI.error(answer.json()).message, /openai did not accept the key from \$\{OPENAI_API_KEY\} \(…ment\)/)
})

test('sim: alone, with both doors and its log', async t => {
  const running = gatehouse(t, ['sim', '--port', '0'])
  const url = await running.untilOut(/Simulated provider on (http:\S+)/)
  const answer = await send(url + OPENAI.path, { body: OPENAI.body('echo', 'hi there') })
  assert.equal(OPENAI.said(answer.json()), 'hi there')
  assert.equal(JSON.parse((await send(`${url}/control/log`)).text).length, 1)
  running.child.kill('SIGTERM')
  assert.equal((await running.ended).code, 0)
})

test('flags, help and what is misspelled', async t => {
  const cases: [string[], number, RegExp, 'out' | 'err'][] = [
    [['--version'], 0, new RegExp(`^${VERSION.replaceAll('.', '\\.')}\n$`), 'out'],
    [['--help'], 0, /gatehouse sim [\s\S]*gatehouse start +starts the gateway/, 'out'],
    [['start', '--help'], 0, /--port +port to listen on[\s\S]*--config/, 'out'],
    [['sim', '--help'], 0, /--pace-ms/, 'out'],
    [['strat'], 1, /no command "strat"\. Did you mean "start"\?/, 'err'],
    [['toString'], 1, /no command "toString"/, 'err'],
    [['start', '--prot', '1'], 1, /gatehouse start: .*'--prot'/, 'err'],
    [['start', '--port', '65536'], 1, /--port takes a number from 0 to 65535, not "65536"/, 'err'],
    [['start', '--config', 'none.yaml'], 1, /none\.yaml: cannot be read/, 'err'],
    [['start', 'stray'], 1, /gatehouse start: .*'stray'/, 'err'],
    [['sim', '--port', '-1'], 1, /gatehouse sim: /, 'err'],
    [['start', '--port', '0', '--host', '0.0.0.0'], 1, /listen: refuses to start.*0\.0\.0\.0.*GATEHOUSE_KEY/, 'err']
  ]
  // Few at a time: each is a process.
  for (let from = 0; from < cases.length; from += 4) {
    const some = cases.slice(from, from + 4).map(async ([args, code, pattern, where]) => {
      const running = gatehouse(t, args)
      assert.equal((await running.ended).code, code, `${args.join(' ')}: ${running.err()}`)
      assert.match(running[where](), pattern)
      assert.doesNotMatch(running.err(), /\n\s+at /, 'people get words, not a stack')
    })
    await Promise.all(some)
  }
})

test('start: with a key it listens for others', async t => {
  const running = await startedGateway(t, ['--host', '0.0.0.0'], { env: { GATEHOUSE_KEY: SECRET } })
  const url = `http://127.0.0.1:${running.port}`
  assert.equal((await send(`${url}/v1/models`)).status, 401)
  const listed = await send(`${url}/v1/models`, { headers: { 'x-api-key': SECRET, host: 'gateway.example' } })
  assert.equal(listed.status, 200)
})

test('start: a port that is taken', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const running = gatehouse(t, ['start', '--port', String(port)])
  assert.equal((await running.ended).code, 1)
  assert.equal(
    running.err(),
    `gatehouse start: port ${port} on 127.0.0.1 is taken; choose another (--port), 0 takes a free one\n`
  )
  const elsewhere = gatehouse(t, ['start', '--port', '0', '--host', '192.0.2.1'], { env: { GATEHOUSE_KEY: SECRET } })
  assert.equal((await elsewhere.ended).code, 1)
  assert.match(elsewhere.err(), /192\.0\.2\.1 is no address of this machine/)
})
