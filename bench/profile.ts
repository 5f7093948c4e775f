/**
 * Where the gateway's CPU time goes under one of the benchmarks' loads: the functions with the most time of their own.
 *
 *   node bench/profile.ts whole | long | stream | cross | cross-stream | hit [seconds]
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Load } from './rig/load.ts'
import { Stage, wait } from './rig/processes.ts'
import { startCaching, startGateway, startMock } from './rig/proxies.ts'
import { table } from './rig/report.ts'
import { CROSS_STREAMS, CROSS_WHOLE, LONG, STREAMS, WHOLE_8, type Workload } from './rig/workloads.ts'

/** What V8 writes with `--cpu-prof`: a tree of calls, and the node that was running at each sample. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[]
  samples: number[]
  /** Microseconds before each sample; the first counts from `startTime`, of the machine's monotonic clock. */
  timeDeltas: number[]
  startTime: number
}

/** A function, and its share of the busy time: its own, and with all it calls. */
interface Share {
  name: string
  own: number
  all: number
}

const LOADS: Record<string, Workload> = {
  whole: WHOLE_8,
  long: LONG,
  stream: STREAMS,
  cross: CROSS_WHOLE,
  'cross-stream': CROSS_STREAMS,
  hit: WHOLE_8
}
const SHOWN = 30
/** Until the code is compiled. */
const WARM_MS = 2_000
const ROOT = path.resolve(import.meta.dirname, '..')

/** The shares of all functions in the samples after `fromUs` of the monotonic clock. */
function shares(profile: Profile, fromUs: number): Share[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id] as const)))
  const found = new Map<string, Share>()
  let at = profile.startTime
  let totalUs = 0
  for (const [index, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[index] ?? 0
    at += us
    if (at < fromUs || names.get(id) === '(idle)') continue
    totalUs += us
    const seen = new Set<string>()
    for (let node: number | undefined = id; node !== undefined; node = parents.get(node)) {
      const name = names.get(node) ?? '(unknown)'
      const share = found.get(name) ?? { name, own: 0, all: 0 }
      if (node === id) share.own += us
      // A function that calls itself counts once.
      if (!seen.has(name)) share.all += us
      seen.add(name)
      found.set(name, share)
    }
  }
  return [...found.values()].map(({ name, own, all }) => ({ name, own: own / totalUs, all: all / totalUs }))
}

function placeOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.startsWith('file://') ? path.relative(ROOT, new URL(url).pathname) : url
  return `${functionName || '(anonymous)'}${file && ` ${file}:${lineNumber + 1}`}`
}

async function profile(workload: Workload, seconds: number, start: typeof startGateway): Promise<void> {
  const stage = new Stage({ pin: true })
  try {
    const mock = await startMock(stage)
    const flags = ['--cpu-prof', `--cpu-prof-dir=${stage.directory}/profile`, '--cpu-prof-interval=250']
    const gateway = await start(stage, mock.port, flags)
    const load = new Load(workload, gateway.port, workload.request(gateway))
    await wait(WARM_MS)
    const fromUs = Number(process.hrtime.bigint() / 1_000n)
    await wait(seconds * 1_000)
    await load.stop()
    if (load.failure !== undefined) throw new Error(load.failure)
    // At once: who drains may take longer than the stage has patience.
    process.kill(gateway.pid, 'SIGINT')
    await stage.stopPrograms()
    // One file a thread; the main one's number is 0.
    const [file] = globSync(`${stage.directory}/profile/CPU.*.0.*.cpuprofile`)
    if (file === undefined) throw new Error('the gateway wrote no profile')
    print(workload, shares(JSON.parse(readFileSync(file, 'utf8')), fromUs))
  } finally {
    await stage.close()
  }
}

function print(workload: Workload, found: Share[]): void {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const rows = (list: Share[]) => list.slice(0, SHOWN).map(({ name, own, all }) => [name, percent(own), percent(all)])
  const byOwn = found.toSorted((a, b) => b.own - a.own)
  const ours = found.filter(({ name }) => name.includes(' src/')).toSorted((a, b) => b.all - a.all)
  console.log(`${workload.name}: shares of the busy time, own and with what is called\n`)
  console.log(`${table([['most time of their own', 'own', 'all'], ...rows(byOwn)])}\n`)
  console.log(table([['ours, with what they call', 'own', 'all'], ...rows(ours)]))
}

const [name = 'whole', seconds = '6'] = process.argv.slice(2)
const workload = LOADS[name]
if (workload === undefined) throw new Error(`no load "${name}": one of ${Object.keys(LOADS).join(', ')}`)
await profile(workload, Number(seconds), name === 'hit' ? startCaching : startGateway)
