import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allowed, privateAddress } from '../../src/wire/ssrf.ts'

/** Addresses that must never be reached unasked, in the clothes that they come in. */
const hostile: Record<string, string[]> = {
  loopback: [
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1'
  ],
  'link-local (cloud metadata)': [
    ...[
      '169.254.169.254',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '64:ff9b::169.254.169.254',
      '64:ff9b::a9fe:a9fe'
    ],
    ...['0:0:0:0:0:ffff:a9fe:a9fe', '::ffff:0:169.254.169.254']
  ],
  private: [
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    'fc00::1',
    'fd00:ec2::254',
    'FDFF::',
    '64:ff9b::10.0.0.1'
  ],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255', '100.100.100.200'],
  'this host': ['0.0.0.0', '0.1.2.3', '::ffff:0.0.0.0'],
  unspecified: ['::', '0::0'],
  'link-local': ['fe80::1', 'fe80::1%eth0', 'febf::1', 'FE80::A9FE:A9FE%25lo'],
  'site-local': ['fec0::1'],
  '6to4': ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002::'],
  Teredo: ['2001:0:7f00:1::'],
  'local NAT64': ['64:ff9b:1::7f00:1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  reserved: ['240.0.0.1', '255.255.255.255'],
  benchmarks: ['198.18.0.1', '198.19.255.255'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1'],
  'protocol assignments': ['192.0.0.1', '192.0.0.192'],
  'not an IP address': [
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '0x7f000001',
    '127.0.0.1 ',
    '[::1]',
    '1.2.3.4.5',
    '１２７.0.0.1'
  ]
}

for (const [what, addresses] of Object.entries(hostile)) {
  test(`addresses: ${what}`, () => {
    for (const address of addresses) {
      assert.equal(privateAddress(address), what, address)
      assert.equal(allowed(address, []), false, address)
    }
  })
}

test('addresses: public ones, with the neighbours of every private range', () => {
  const open = ['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255']
  const more = ['128.0.0.0', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255']
  const six = ['192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '2606:4700::1111', '64:ff9b::8.8.8.8']
  for (const address of [...open, ...more, ...six, '::ffff:8.8.8.8', '2001:1::1', 'fbff::1', '2a00:1450:4001::1']) {
    assert.equal(privateAddress(address), undefined, address)
    assert.equal(allowed(address, []), true, address)
  }
})

test('addresses: leave is for the ranges that are listed, in whatever clothes', () => {
  assert.equal(allowed('10.1.2.3', ['10.0.0.0/8']), true)
  assert.equal(allowed('::ffff:10.1.2.3', ['10.0.0.0/8']), true)
  assert.equal(allowed('::ffff:a01:203', ['10.1.2.3']), true)
  assert.equal(allowed('192.168.0.1', ['10.0.0.0/8']), false)
  assert.equal(allowed('169.254.169.254', ['127.0.0.0/8', '::1']), false)
  assert.equal(allowed('::1', ['127.0.0.0/8']), false)
  assert.equal(allowed('::1', ['127.0.0.0/8', '::1/128']), true)
  assert.equal(allowed('fe80::1%eth0', ['fe80::/10']), true)
  assert.equal(allowed('localhost', ['0.0.0.0/0', '::/0']), false)
  for (const range of ['10.0.0.0/33', '10.0.0.0/x', 'lan', '10.0/8', '::/129', '10.0.0.0/']) {
    assert.throws(() => allowed('10.0.0.1', [range]), RangeError, range)
  }
})

test('addresses: an IPv4 address is judged the same however it is carried', () => {
  fc.assert(
    fc.property(fc.ipV4(), address => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
      const groups = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
      for (const carried of [
        `::ffff:${address}`,
        `::ffff:${groups}`,
        `0:0:0:0:0:FFFF:${groups}`,
        `64:ff9b::${groups}`
      ]) {
        assert.equal(privateAddress(carried), privateAddress(address), carried)
      }
    }),
    { numRuns: 500 }
  )
})
