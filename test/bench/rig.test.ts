/** The benchmarks' rig: what it reads, compares and judges. How fast anything is, is not tested here. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, test } from 'node:test'
import { allowedCpus, canReadCpu, readCpu, spentUs } from '../../bench/rig/cpu.ts'
import { Load } from '../../bench/rig/load.ts'
import { MessageReader } from '../../bench/rig/messages.ts'
import { STREAM_ANSWER, STREAM_EVENTS, WHOLE_ANSWER } from '../../bench/rig/payloads.ts'
import { Stage, wait } from '../../bench/rig/processes.ts'
import { startMock } from '../../bench/rig/proxies.ts'
import { closing, judge, spread, table } from '../../bench/rig/report.ts'
import type { Window } from '../../bench/rig/windows.ts'
import { STREAMS, WHOLE_8, type Workload } from '../../bench/rig/workloads.ts'

const windows = (...cpuUs: number[]): Window[] => cpuUs.map(cpuUsPerUnit => ({ cpuUsPerUnit, unitsPerSecond: 1 }))
const caller = { model: 'any', key: 'any' }

function read(pieces: Buffer[]): string[] {
  const seen: string[] = []
  let body = ''
  const reader = new MessageReader({
    head: head => void seen.push(head),
    body: part => {
      body += part.toString('latin1')
    },
    end: () => {
      seen.push(body)
      body = ''
    }
  })
  for (const piece of pieces) reader.push(piece)
  assert.ok(reader.idle)
  return seen
}

describe('messages', () => {
  const three = Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' +
      'HTTP/1.1 204 No Content\r\nx: y\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=1\r\n\r\n\r\n\r\nA\r\n0123456789\r\n0\r\nlate: 1\r\n\r\n'
  )
  const [sized, none, chunked] = ['Content-Length: 5', 'x: y', 'Transfer-Encoding: chunked']
  const expected = [
    `HTTP/1.1 200 OK\r\n${sized}`,
    'hello',
    `HTTP/1.1 204 No Content\r\n${none}`,
    '',
    `HTTP/1.1 200 OK\r\n${chunked}`,
    '\r\n\r\n0123456789'
  ]

  test('are read alike wherever the bytes are cut', () => {
    for (let cut = 0; cut <= three.length; cut++) {
      assert.deepEqual(read([three.subarray(0, cut), three.subarray(cut)]), expected, `cut at ${cut}`)
    }
    assert.deepEqual(read(Array.from(three, byte => Buffer.from([byte]))), expected)
  })

  test('that are broken are an error, not an answer', () => {
    assert.throws(
      () => read([Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n')]),
      /chunk size/
    )
  })
})

describe('judgement', () => {
  test('is of the median of neighbouring pairs', () => {
    const outcome = { gateway: windows(40, 100, 60), nginx: windows(10, 50, 20) }
    const { line, verdict } = judge('whole', 3, outcome)
    assert.deepEqual([line, verdict], ['whole: 3.00 × nginx (goal: at most 3 ×) PASS', 'PASS'])
    assert.equal(judge('whole', 2, outcome).line, 'whole: 3.00 × nginx (goal: at most 2 ×) FAIL 1.50 times the goal')
  })

  test('without a comparison says why', () => {
    const problem = { verdict: 'SKIPPED', why: 'nginx is not installed' } as const
    const { line } = judge('whole', 6, { gateway: windows(40), nginx: [], problem })
    assert.equal(line, 'whole: – (goal: at most 6 ×) SKIPPED nginx is not installed')
  })

  test('fails a run on a miss, and on a skip where CI asks for all', () => {
    const judged = (['PASS', 'SKIPPED'] as const).map(verdict => ({ verdict, line: '' }))
    assert.deepEqual(closing(judged, false), { line: '1 passed, 0 failed, 1 skipped', failed: false })
    assert.equal(closing(judged, true).failed, true)
    assert.equal(closing([{ verdict: 'FAIL', line: '' }], false).failed, true)
  })

  test('spreads and tables', () => {
    assert.deepEqual(spread([3, 1, 2]), { median: 2, least: 1, most: 3 })
    assert.deepEqual(spread([4, 1, 2, 3]), { median: 2.5, least: 1, most: 4 })
    assert.equal(
      table([
        ['a', '10'],
        ['long', '2']
      ]),
      '  a      10\n  long    2'
    )
  })
})

describe('CPU time', { skip: !canReadCpu() && 'no /proc/PID/schedstat here' }, () => {
  test('of this process grows by what it does, and begins at nothing for new threads', () => {
    const before = readCpu(process.pid)
    for (const end = performance.now() + 20; performance.now() < end; );
    const spent = spentUs(before, readCpu(process.pid))
    assert.ok(spent > 1_000 && spent < 10_000_000, `${spent} µs`)
    assert.equal(spentUs(new Map(), new Map([['1/1', 5_000]])), 5)
  })

  test('CPUs in the words of the kernel', () => {
    assert.deepEqual(allowedCpus('Name:\tnode\nCpus_allowed_list:\t0-2,5\n'), [0, 1, 2, 5])
    assert.deepEqual(allowedCpus(''), [])
  })
})

describe('load', { skip: process.platform !== 'linux' && 'the rig runs on Linux' }, () => {
  test('the mock answers both kinds, and every answer is checked', async () => {
    assert.equal(WHOLE_ANSWER.length, 578)
    const stage = new Stage({ pin: false })
    try {
      const mock = await startMock(stage)
      const whole = await under(WHOLE_8, mock.port, WHOLE_8.request(mock), ({ answers }) => answers >= 50)
      assert.equal(whole.failure, undefined)
      const two: Workload = { ...STREAMS, connections: 2, rampMs: 0 }
      const streams = await under(two, mock.port, two.request(mock), ({ events }) => events >= 10)
      assert.equal(streams.failure, undefined)
      assert.deepEqual([streams.counts.answers, streams.counts.events], [2, 2 * STREAM_EVENTS.length])
      const stranger = await under(WHOLE_8, mock.port, WHOLE_8.request(caller), () => false)
      assert.match(stranger.failure ?? '', /400 Bad Request.*not the credential/)
    } finally {
      await stage.close()
    }
  })

  const wrongs: [string, Workload, Buffer, RegExp][] = [
    [
      'a byte that differs',
      WHOLE_8,
      Buffer.from(WHOLE_ANSWER.toString().replace('stop', 'stoq')),
      /from byte \d+ on: "q/
    ],
    ['an end that is missing', STREAMS, STREAM_ANSWER.subarray(0, -20), /bytes instead of/]
  ]
  for (const [name, workload, body, reason] of wrongs) {
    test(`${name} is a failure`, async () => {
      const server = net.createServer(socket => {
        socket.on('error', () => socket.destroy())
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`)
          socket.write(body)
        })
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      try {
        const { port } = server.address() as net.AddressInfo
        const { failure } = await under(workload, port, workload.request(caller), () => false)
        assert.match(failure ?? '', reason)
      } finally {
        server.close()
      }
    })
  }
})

/** Loads a port until there is enough, or something is wrong. */
async function under(
  workload: Workload,
  port: number,
  request: Buffer,
  enough: (counts: Load['counts']) => boolean
): Promise<Load> {
  const load = new Load(workload, port, request)
  while (load.failure === undefined && !enough(load.counts)) await wait(5)
  await load.stop()
  return load
}
