import { until } from '../../test/support/until.ts'
import { DOORS } from '../guards/doors.ts'
import { many } from '../rig/evidence.ts'
import type { Goal } from '../rig/proof.ts'
import { Stand, type Told, told, type Who } from './stand.ts'

type Reach = (goal: Goal) => void

const ROUTES = `
guards: { mail: { check: pii, types: [email], action: restore } }
routes:
  kept: { to: openai/echo, cache: exact }
  masked: { to: openai/echo, cache: exact, guards: [mail] }
  story: { to: openai/story, cache: exact }
  cut: { to: openai/cut-after-3, cache: exact }
`

const FORMS = [false, true] as const

/** Two tenants never share an answer; two callers of one see their own e-mails. One after the other, and at once. */
export async function proveTenants(reach: Reach, isBroken: boolean): Promise<void> {
  const stand = await Stand.open(ROUTES, { isBroken })
  try {
    for (const atOnce of FORMS) {
      const wrong: string[] = []
      let tried = 0
      for (const door of DOORS) {
        for (const stream of FORMS) {
          const text = `of whom is this ${door.name} ${stream} ${atOnce}`
          stand.asked()
          const whose: readonly Who[] = ['ann', 'bob', 'cid', 'dee', 'eve']
          const asks = (who: Who) => stand.ask(text, { door, who, stream })
          const all: Told[] = []
          if (atOnce) all.push(...(await Promise.all(whose.map(asks))))
          else for (const who of whose) all.push(await asks(who))
          tried += whose.length
          const asked = stand.asked()
          if (asked !== 4)
            wrong.push(`${door.name}, ${stream ? 'stream' : 'whole'}: ${asked} calls upstream for four tenants`)
          if (all.some(answer => answer.text !== text)) wrong.push(`${door.name}: ${all.map(answer => answer.text)}`)
          for (const at of [2, 3, 4])
            if (all[at]!.cache !== 'miss') wrong.push(`${door.name}: ${whose[at]} got a ${all[at]!.cache}`)
        }
      }
      reach({
        name: `another tenant, ${atOnce ? 'at the same time' : 'one after the other'}`,
        figure: `${many(wrong.length, 'wrong answer')} of ${tried}`,
        goal: '0: one call upstream for each of four tenants, at every door, whole and streamed',
        problem: wrong[0]
      })
    }
    await proveMasked(reach, stand)
  } finally {
    await stand.close()
  }
}

async function proveMasked(reach: Reach, stand: Stand): Promise<void> {
  const mails: Partial<Record<Who, string>> = { ann: 'ann.lee@example.com', bob: 'bob.ray@example.org' }
  const wrong: string[] = []
  let tried = 0
  for (const door of DOORS) {
    for (const stream of FORMS) {
      for (const atOnce of FORMS) {
        stand.asked()
        const asks = (who: Who) =>
          stand.ask(`write ${atOnce ? 'now' : 'soon'}, ${stream}, to ${mails[who]} please`, {
            door,
            who,
            stream,
            model: 'masked'
          })
        const all: Told[] = []
        if (atOnce) all.push(...(await Promise.all([asks('ann'), asks('bob')])))
        else for (const who of ['ann', 'bob'] as const) all.push(await asks(who))
        tried += 2
        const asked = stand.asked()
        if (asked !== 1) wrong.push(`${door.name}: ${asked} calls upstream`)
        for (const [at, who] of (['ann', 'bob'] as const).entries()) {
          const { bytes } = all[at]!
          const others = at === 0 ? mails.bob! : mails.ann!
          if (!bytes.includes(mails[who]!.slice(0, 7)) || bytes.includes(others) || bytes.includes('[['))
            wrong.push(`${door.name}, ${stream}: ${who} got ${all[at]!.text}`)
        }
      }
    }
  }
  reach({
    name: 'two callers, one masked body',
    figure: `${many(wrong.length, 'wrong answer')} of ${tried}`,
    goal: '0: one call upstream, and each sees its own e-mail alone',
    problem: wrong[0]
  })
}

/** Identical calls in flight. */
export async function proveFlights(reach: Reach, count: number): Promise<void> {
  const stand = await Stand.open(ROUTES, { paceMs: 3 })
  try {
    for (const stream of FORMS) {
      stand.asked()
      const all = await Promise.all(
        Array.from({ length: count }, () => stand.ask(`at once ${stream}`, { model: 'story', stream }))
      )
      const asked = stand.asked()
      const texts = new Set(all.map(({ text }) => text))
      const isGood = asked === 1 && texts.size === 1 && !texts.has(undefined)
      reach({
        name: `${count} identical calls at once, ${stream ? 'streamed' : 'whole'}`,
        figure: `${asked} upstream, ${many(all.filter(({ text }) => text).length, 'answer')}`,
        goal: `1, ${count} answers`,
        problem: isGood ? undefined : `${texts.size} different answers`
      })
    }
    await proveKilled(reach, stand)
    await provePurse(reach, stand, count)
    await proveBroken(reach, stand)
  } finally {
    await stand.close()
  }
}

/** Whoever came first leaves: before the first word, and amid the answer. */
async function proveKilled(reach: Reach, stand: Stand): Promise<void> {
  for (const amid of FORMS) {
    stand.asked()
    const text = `the first one leaves ${amid}`
    const call = { model: 'story', stream: true }
    const beginning = stand.begin(text, call)
    if (amid) await (await beginning).untilText(/"content":"\w/)
    else await until(() => stand.test.sim.log().length > 0, 'the call upstream')
    const others = [stand.begin(text, call), stand.begin(text, call)]
    const first = await beginning
    // They are aboard when their heads have come.
    if (amid) await Promise.all(others)
    first.leave()
    const all = await Promise.all(
      others.map(async each => told(await each, (await (await each).rest()).toString(), DOORS[0]!, true))
    )
    const asked = stand.asked()
    const texts = new Set(all.map(answer => answer.text))
    const after = await stand.ask(text, call)
    const isGood =
      asked === 1 && texts.size === 1 && !texts.has(undefined) && after.cache === 'hit' && after.text === [...texts][0]
    reach({
      name: `the one that came first is killed, ${amid ? 'amid the answer' : 'at its beginning'}`,
      figure: `${asked} upstream, ${texts.size} answer, then a ${after.cache}`,
      goal: '1, the others have all of it, and it is kept',
      problem: isGood ? undefined : JSON.stringify([...texts])
    })
  }
}

/** Each rider has a row of its own; one of them has the cost. */
async function provePurse(reach: Reach, stand: Stand, count: number): Promise<void> {
  const model = 'story'
  const text = 'who pays for this'
  const all = await Promise.all(Array.from({ length: count }, () => stand.ask(text, { model, stream: true })))
  const ids = new Set(all.map(({ headers }) => headers['x-gatehouse-request-id']))
  const rows = await Promise.all([...ids].map(id => stand.admin('GET', `/logs/${id}`)))
  const costs = rows.map(({ request }) => Number((request as { cost_usd: string }).cost_usd))
  const paid = costs.filter(cost => cost > 0).length
  reach({
    name: 'each rider has a row of its own, and one of them the cost',
    figure: `${rows.length} rows, ${paid} with a cost`,
    goal: `${count}, 1`,
    problem: rows.length === count && paid === 1 ? undefined : String(costs)
  })
}

/** An answer that breaks is nobody's, and is not kept. */
async function proveBroken(reach: Reach, stand: Stand): Promise<void> {
  const wrong: string[] = []
  for (let round = 0; round < 2; round++) {
    stand.asked()
    const all = await Promise.all(
      Array.from({ length: 10 }, () => stand.ask('this one breaks', { model: 'cut', stream: true }))
    )
    if (all.some(({ text }) => text !== undefined)) wrong.push('a cut answer was given for a good one')
    if (all.some(({ cache }) => cache === 'hit')) wrong.push('it was kept')
    if (stand.asked() === 0) wrong.push('nobody was asked')
  }
  reach({
    name: 'an answer that breaks amid it',
    figure: many(wrong.length, 'fault'),
    goal: '0: an error for all who ride, and asked again',
    problem: wrong[0]
  })
}
