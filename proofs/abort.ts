/**
 * `npm run proof:abort`: a client that leaves closes the call to the provider within 250 ms, whatever phase the call is
 * in; it is logged as 499, and the provider is not blamed. See docs/guide/proofs.md.
 *
 *   npm run proof:abort
 *   npm run proof:abort -- --within 2000 a machine that is busy with other things
 *   npm run proof:abort -- --break       on_abort: drain, which reads on: must fail
 */
import { parseArgs } from 'node:util'
import { type Sim, startSim } from '../src/sim/index.ts'
import { DOORS, type Door } from '../test/support/client.ts'
import { until } from '../test/support/until.ts'
import { many } from './rig/evidence.ts'
import { type CallRow, type ProofGateway, startGateway } from './rig/gateway.ts'
import { type Departure, leaveIn, PHASES, type Phase, type Upstream } from './rig/phases.ts'
import { type Goal, prove } from './rig/proof.ts'

const RUN_MS = 120_000
/** More than open a circuit, if they counted against the provider. */
const ABORTS = 7
const LOGGED_MS = 3_000

const { values } = parseArgs({
  options: { within: { type: 'string', default: '250' }, break: { type: 'boolean', default: false } }
})
const closedWithinMs = Number(values.within)
if (!(closedWithinMs > 0 && closedWithinMs <= 10_000)) throw new Error('--within takes milliseconds, up to 10000')
/** A close that comes too late is told with its time. */
const watchMs = closedWithinMs + 2_000

/** A phase as one client meets it at one provider, which nobody else calls. */
interface Row {
  phase: Phase
  client: Door
  provider: Door
  stream: boolean
  upstream: Upstream
  route: string
}

async function openRows(): Promise<Row[]> {
  const modes = DOORS.flatMap(client =>
    DOORS.flatMap(provider => [true, false].map(stream => ({ client, provider, stream })))
  )
  const kinds = PHASES.flatMap(phase => modes.map(mode => ({ phase, ...mode })))
  return await Promise.all(
    kinds.map(async (kind, at) => ({ ...kind, upstream: await kind.phase.open(), route: `row${at}` }))
  )
}

/** A second target stands by everywhere but in the back-off, which there is only where nobody else can be asked. */
function configuration(rows: readonly Row[], standby: Sim): string {
  const common = `keys: [a-credential], allow_private: ["127.0.0.0/8"]`
  const onAbort = values.break ? 'drain' : 'cancel'
  const providers = rows.map(
    ({ provider, upstream, route }) =>
      `  at-${route}: { like: ${provider.provider}, base_url: "${upstream.url}/v1", ${common}, on_abort: ${onAbort} }`
  )
  const routes = rows.map(({ phase, route }) => {
    const standIn = phase.quietMs === undefined ? `, standby/${route}` : ''
    return `  ${route}: { fallback: [at-${route}/${phase.model}${standIn}] }`
  })
  return `
log: { level: info }
timeouts: { connect: 60s, head: 60s, first_token: 60s, idle: 60s, attempt: 60s, total: 120s }
providers:
  standby: { base_url: "${standby.url}/v1", ${common} }
${providers.join('\n')}
routes:
${routes.join('\n')}
`
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: on_abort: drain; this run must fail.')
  const standby = await startSim()
  const rows = await openRows()
  let gateway: ProofGateway | undefined
  try {
    gateway = await startGateway(configuration(rows, standby))
    const running = gateway
    const goals = rows.map(row => judgeRow(row, running, standby))
    await Promise.allSettled(goals)
    for (const goal of goals) reach(await goal)
  } finally {
    await gateway?.close()
    await Promise.all([...rows.map(({ upstream }) => upstream.close()), standby.close()])
  }
}

async function judgeRow(row: Row, gateway: ProofGateway, standby: Sim): Promise<Goal> {
  const { phase, client, provider, stream, upstream, route } = row
  const count = values.break || phase.quietMs !== undefined ? 1 : ABORTS
  const departures: Departure[] = []
  // One after the other: a circuit would open before the last of them.
  for (let at = 0; at < count; at++) {
    const call = { url: gateway.url, door: client, model: route, stream, withinMs: watchMs }
    departures.push(await leaveIn(phase, upstream, call))
  }
  const logged = () => gateway.rows().filter(({ modelAsked }) => modelAsked === route)
  // What is missing then is told below, with what there is.
  await until(() => logged().length >= count, 'the log', LOGGED_MS).catch(() => {})
  const elsewhere = standby.log().filter(({ model }) => model === route).length
  const name = `${phase.name}, ${client.provider} to ${provider.provider}, ${stream ? 'stream' : 'whole'}`
  const blamed = elsewhere > 0 ? `${many(elsewhere, 'call')} went to the other target` : undefined
  const found = phase.quietMs === undefined ? judgeCloses(departures) : judgeQuiet(departures)
  const rowsFound = logged()
  return {
    name,
    figure: `${found.figure}, ${rowsFound.filter(({ status }) => status === 499).length} × 499`,
    goal: `${found.goal}, ${count} × 499, no circuit penalty`,
    problem: found.problem ?? judgeLog(rowsFound, count) ?? blamed
  }
}

type Judgement = Pick<Goal, 'figure' | 'goal' | 'problem'>

function judgeCloses(departures: readonly Departure[]): Judgement {
  const goal = `closed within ${closedWithinMs} ms`
  const closed = departures.flatMap(({ closedAfterMs }) => closedAfterMs ?? [])
  const missing = departures.length - closed.length
  if (missing > 0) {
    return { figure: `${missing} not closed`, goal, problem: `the provider saw no close within ${watchMs / 1_000} s` }
  }
  const most = Math.max(...closed)
  return { figure: `${most.toFixed(0)} ms at most`, goal, problem: most > closedWithinMs ? 'too late' : undefined }
}

function judgeQuiet(departures: readonly Departure[]): Judgement {
  const later = departures.reduce((sum, { cameLater }) => sum + cameLater, 0)
  const problem = later > 0 ? 'it was tried again for nobody' : undefined
  return { figure: `${many(later, 'request')} after it`, goal: 'no request after it', problem }
}

function judgeLog(rows: readonly CallRow[], count: number): string | undefined {
  if (rows.length !== count) return `${many(rows.length, 'row')} in the log for ${many(count, 'call')}`
  const wrong = rows.find(({ status, outcome }) => status !== 499 || outcome !== 'aborted')
  return wrong && `the log says ${wrong.status} ${wrong.outcome}`
}

process.exitCode = await prove(run, RUN_MS)
