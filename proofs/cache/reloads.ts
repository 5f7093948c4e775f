import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { type Gatehouse, startGatehouse } from '../../src/server.ts'
import { startSim } from '../../src/sim/index.ts'
import { send } from '../../test/support/client.ts'
import { AT_EASE, simAsBoth } from '../../test/support/gateway.ts'
import type { Goal } from '../rig/proof.ts'

/** The configuration before and after: what is on the way of a call begins anew, what is not does not. */
const CHANGES: readonly (readonly [what: string, yaml: string, cache: 'hit' | 'miss'])[] = [
  ['an alias re-pointed', 'routes: { a: { to: b, cache: exact }, b: anthropic/echo, c: openai/echo }', 'miss'],
  [
    'a parameter set on the target',
    'routes: { a: { to: b, cache: exact }, b: { use: openai/echo, params: { set: { seed: 7 } } }, c: openai/echo }',
    'miss'
  ],
  [
    'a guard of requests added',
    'guards: { w: { check: words, words: [x], on: [request], action: flag } }\nroutes: { a: { to: b, cache: exact, guards: [w] }, b: openai/echo, c: openai/echo }',
    'miss'
  ],
  [
    'a guard of answers added',
    'guards: { w: { check: words, words: [zebra], on: [response], action: flag } }\nroutes: { a: { to: b, cache: exact, guards: [w] }, b: openai/echo, c: openai/echo }',
    'hit'
  ],
  [
    'another route changed',
    'routes: { a: { to: b, cache: exact }, b: openai/echo, c: anthropic/echo }\nlog: { level: error }',
    'hit'
  ]
]
const BASE = 'routes: { a: { to: b, cache: exact }, b: openai/echo, c: openai/echo }'

export async function proveReloads(reach: (goal: Goal) => void): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-proof-reload-'))
  const sim = await startSim({ port: 0, host: '127.0.0.1' })
  const file = path.join(directory, 'gatehouse.yaml')
  let text = ''
  const write = (yaml: string) => {
    text = `listen: 127.0.0.1:0\nproviders:\n${simAsBoth(sim.url)}\n${yaml}\n`
    writeFileSync(file, text)
  }
  write(BASE)
  const load = () => loadConfig({ path: undefined, text, env: {}, readFile: () => '' })
  let gateway: Gatehouse | undefined
  try {
    const log = createLog({ level: 'silent', format: 'json' } as never)
    gateway = await startGatehouse({
      first: load(),
      load,
      path: undefined,
      env: {},
      log,
      forceCanonical: false,
      vitals: AT_EASE
    })
    const url = `${gateway.url}/v1/chat/completions`
    const ask = async (content: string) =>
      (await send(url, { body: { model: 'a', messages: [{ role: 'user', content }] } })).headers['x-gatehouse-cache']
    for (const [what, yaml, wanted] of CHANGES) {
      await ask(what)
      const before = await ask(what)
      write(yaml)
      gateway.reload()
      const after = await ask(what)
      write(BASE)
      gateway.reload()
      const isGood = before === 'hit' && after === wanted
      reach({
        name: what,
        figure: `${before}, then ${after}`,
        goal: `hit, then ${wanted}`,
        problem: isGood ? undefined : 'otherwise'
      })
    }
  } finally {
    await gateway?.drain(0)
    await sim.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
