import { BlockList, isIPv4, isIPv6 } from 'node:net'

/**
 * Ranges that are no provider's public address, with what they are (IANA special-purpose registries:
 * https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry).
 */
const PRIVATE: readonly [range: string, what: string][] = [
  ['0.0.0.0/8', 'this host'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local (cloud metadata)'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol assignments'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', '6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarks'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['64:ff9b:1::/48', 'local NAT64'],
  ['100::/64', 'discard'],
  ['2001::/32', 'Teredo'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment routing'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast']
]

const RANGES = PRIVATE.map(([range, what]) => ({ list: blockList([range]), what }))

/** ::a.b.c.d, ::ffff:a.b.c.d (also translated, ::ffff:0:a.b.c.d) and 64:ff9b::a.b.c.d stand for an IPv4 address. */
const IPV4_CARRIERS = [
  [0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0xffff],
  [0, 0, 0, 0, 0xffff, 0],
  [0x64, 0xff9b, 0, 0, 0, 0]
]

/**
 * Why the gateway must not connect to this address unless told so: 'loopback', 'private', …; `undefined` for a public
 * one. Anything that is not an IP address as `net.isIP` knows it is not public either.
 */
export function privateAddress(ip: string): string | undefined {
  const address = plainAddress(ip)
  if (address === undefined) return 'not an IP address'
  return RANGES.find(({ list }) => contains(list, address))?.what
}

/** Whether the address may be connected to: it is public, or in one of the ranges that the provider may be in. */
export function allowed(ip: string, allowPrivate: readonly string[]): boolean {
  const address = plainAddress(ip)
  if (address === undefined) return false
  if (privateAddress(address) === undefined) return true
  return allowPrivate.length > 0 && contains(blockList(allowPrivate), address)
}

/** Ranges as CIDR, or single addresses. Throws RangeError at anything else. */
function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined
    const bitsMax = family === 'ipv4' ? 32 : 128
    if (family === undefined || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax))) {
      throw new RangeError(`"${range}" is no range of IP addresses`)
    }
    list.addSubnet(address, bits === undefined ? bitsMax : Number(bits), family)
  }
  return list
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** Without zone; an IPv4 address in IPv6 clothes as the IPv4 address that it is. */
function plainAddress(ip: string): string | undefined {
  if (isIPv4(ip)) return ip
  const [address = ''] = ip.split('%')
  if (!isIPv6(address)) return undefined
  const groups = groupsOf(address)
  const carried = IPV4_CARRIERS.some(prefix => prefix.every((group, index) => groups[index] === group))
  const [high = 0, low = 0] = groups.slice(6)
  // :: and ::1 are themselves, not 0.0.0.0 and 0.0.0.1.
  if (!carried || (groups.slice(0, 7).every(group => group === 0) && low <= 1)) return address
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const group = (high: string, low: string) => ((Number(high) << 8) | Number(low)).toString(16)
    return `${group(a, b)}:${group(c, d)}`
  })
  const [front = '', back] = hex.split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16)))
  const before = parse(front)
  if (back === undefined) return before
  const after = parse(back)
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}
