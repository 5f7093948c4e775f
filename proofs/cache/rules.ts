import { until } from '../../test/support/until.ts'
import { DOORS } from '../guards/doors.ts'
import { many } from '../rig/evidence.ts'
import type { Goal } from '../rig/proof.ts'
import { type Call, Stand } from './stand.ts'

type Reach = (goal: Goal) => void

/** Model, and what else a call says, of answers that must never be given again. */
const NOT_KEPT: readonly (readonly [what: string, call: Call])[] = [
  ['cut amid it', { model: 'openai/cut-after-3', stream: true }],
  ['without its end', { model: 'openai/eof-without-finish', stream: true }],
  ['stopped by a content filter', { model: 'openai/content-filter-finish' }],
  ['stopped by a content filter, streamed', { model: 'openai/content-filter-finish', stream: true }],
  ['refused for its content', { model: 'openai/content-filter' }],
  ['cut by its length', { model: 'openai/assistant', more: { max_tokens: 1 } }],
  ['cut by its length, streamed', { model: 'openai/assistant', stream: true, more: { max_tokens: 1 } }],
  ['REFUSE, and so refused by the model', { model: 'anthropic/assistant', door: DOORS[2]! }],
  ['rate limited', { model: 'openai/429' }],
  ['unavailable', { model: 'openai/503' }],
  ['larger than is kept', { model: 'openai/big-64' }],
  ['larger than is kept, streamed', { model: 'openai/big-64', stream: true }]
]

const ROUTES = `
cache: { answer: 20KB }
guards: { no-words: { check: words, words: [Bluebird], on: [request], action: block } }
routes:
  kept: { to: openai/echo, cache: exact }
  guarded: { to: openai/echo, cache: exact, guards: [no-words] }
  tagged: { to: openai/echo, cache: { mode: exact, namespace: mine, tags: [news] } }
  stale: { to: openai/echo, cache: { mode: exact, ttl: 1s, stale: 1h } }
`

/** What is never kept; what acts on hits; what calls and people say. */
export async function proveRules(reach: Reach): Promise<void> {
  const stand = await Stand.open(ROUTES)
  try {
    await proveNotKept(reach, stand)
    await proveMoney(reach, stand)
    await proveControl(reach, stand)
    await provePurges(reach, stand)
  } finally {
    await stand.close()
  }
}

async function proveNotKept(reach: Reach, stand: Stand): Promise<void> {
  const on = { 'x-gatehouse-cache': 'on' }
  const kept: string[] = []
  for (const [what, call] of NOT_KEPT) {
    for (let round = 0; round < 2; round++) {
      stand.asked()
      const { cache } = await stand.ask(`not to be kept: ${what}`, { ...call, headers: on })
      if (stand.asked() === 0 || cache === 'hit') kept.push(what)
    }
  }
  reach({
    name: 'truncated, filtered, refused, failed and too large answers',
    figure: `${kept.length} kept of ${many(NOT_KEPT.length, 'kind')}`,
    goal: '0',
    problem: kept.join(', ') || undefined
  })
}

async function proveMoney(reach: Reach, stand: Stand): Promise<void> {
  const text = 'what is known to all'
  await stand.ask(text)
  const hit = await stand.ask(text, { who: 'bob' })
  const id = hit.headers['x-gatehouse-request-id']
  const { request, attempts } = (await stand.admin('GET', `/logs/${id}`)) as {
    request: { cost_usd: string; saved_usd: string }
    attempts: unknown[]
  }
  const settles =
    hit.cache === 'hit' &&
    hit.headers['x-gatehouse-cost-usd'] === '0' &&
    request.cost_usd === '0' &&
    attempts.length === 0
  reach({
    name: 'a hit settles at zero',
    figure: `$${request.cost_usd}, ${many(attempts.length, 'attempt')}, $${request.saved_usd} saved`,
    goal: '$0, 0 attempts',
    problem: settles && Number(request.saved_usd) > 0 ? undefined : `${hit.cache}`
  })
  const poor = await stand.ask(text, { who: 'poor' })
  const few = [
    await stand.ask(text, { who: 'few' }),
    await stand.ask(text, { who: 'few' }),
    await stand.ask(text, { who: 'few' })
  ]
  const held = await stand.ask('Bluebird says hello', { model: 'guarded' })
  const words = [poor.status, ...few.map(({ status }) => status), held.status].join(', ')
  reach({
    name: 'a budget, a limit and a guard act on hits',
    figure: words,
    goal: '429, 200, 200, 429, 400',
    problem: words === '429, 200, 200, 429, 400' ? undefined : 'otherwise'
  })
}

async function proveControl(reach: Reach, stand: Stand): Promise<void> {
  const said = async (text: string, headers: Record<string, string>, model = 'kept') =>
    (await stand.ask(text, { headers, model })).cache ?? 'none'
  const control = (value: string) => said('controlled', { 'cache-control': value })
  const words = [
    await control('no-store'),
    await control('max-age=60'),
    await control('max-age=60'),
    await control('no-cache'),
    await control('only-if-cached'),
    await said('controlled', { 'x-gatehouse-cache': 'off' }),
    await said('controlled', { 'x-gatehouse-cache': 'refresh' }),
    await said('controlled', { 'x-gatehouse-cache-namespace': 'other' }),
    String((await stand.ask('nobody ever asked', { headers: { 'x-gatehouse-cache': 'only' } })).status)
  ]
  const goal = 'bypass, miss, hit, miss, hit, bypass, miss, miss, 504'
  reach({
    name: 'what calls say',
    figure: words.join(', '),
    goal,
    problem: words.join(', ') === goal ? undefined : 'otherwise'
  })
  await stand.ask('over its time', { model: 'stale' })
  let stale = ''
  await until(
    async () => {
      const { cache, headers } = await stand.ask('over its time', { model: 'stale' })
      if (Number(headers.age) >= 1) stale = cache ?? ''
      return stale !== ''
    },
    'an answer over its time',
    10_000
  )
  await until(
    async () => (await stand.ask('over its time', { model: 'stale' })).headers.age === '0',
    'a fresh one',
    10_000
  )
  reach({
    name: 'a stale answer',
    figure: `a ${stale}, then a fresh one`,
    goal: 'given at once, and made anew behind it',
    problem: stale === 'hit' ? undefined : stale
  })
}

async function provePurges(reach: Reach, stand: Stand): Promise<void> {
  const ask = () => stand.ask('to be purged', { model: 'tagged' })
  const key = (await ask()).headers['x-gatehouse-cache-key']!
  const left: string[] = []
  const filters = [
    { key },
    { tag: 'news' },
    { route: 'tagged' },
    { namespace: 'mine' },
    { user: 'ann' },
    { team: 'red' },
    { key_name: 'ann' }
  ]
  for (const filter of filters) {
    const before = (await ask()).cache
    await stand.admin('POST', '/cache/purge', filter)
    const after = (await ask()).cache
    if (before !== 'hit' || after !== 'miss') left.push(`${JSON.stringify(filter)}: ${before}, then ${after}`)
  }
  const before = (await ask()).cache
  await stand.admin('POST', '/erase', { subject: { user: 'ann' } })
  const after = (await ask()).cache
  if (before !== 'hit' || after !== 'miss') left.push(`erased: ${before}, then ${after}`)
  reach({
    name: 'what is purged, by anything that names it, or erased',
    figure: `${left.length} left of ${filters.length + 1}`,
    goal: '0',
    problem: left[0]
  })
}
