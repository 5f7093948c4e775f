import { BlockList, isIP } from 'node:net'

/** A range of addresses (CIDR); one address is a range of its own. */
export interface Range {
  family: 'ipv4' | 'ipv6'
  address: string
  /** How many leading bits an address has in common with it. */
  bits: number
}

/** `10.0.0.0/8`, `2001:db8::/32` or one address; undefined for anything else. */
export function readRange(text: string): Range | undefined {
  const match = /^([\da-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text)
  const address = match?.[1] ?? ''
  const version = isIP(address)
  const width = version === 4 ? 32 : 128
  const bits = match?.[2] === undefined ? width : Number(match[2])
  if (version === 0 || bits > width) return undefined
  return { family: version === 4 ? 'ipv4' : 'ipv6', address, bits }
}

/** Whether a range is of IPv4 addresses in IPv6's clothes: calls are compared by what they stand for. */
export function isMappedRange(text: string): boolean {
  const range = readRange(text)
  return range?.family === 'ipv6' && range.bits >= 96 && plainAddress(range.address).family === 'ipv4'
}

/** An address as ranges know it: `::ffff:10.0.0.1` is 10.0.0.1, and the zone of `fe80::1%eth0` tells nothing. */
export function plainAddress(text: string): { family: 'ipv4' | 'ipv6'; address: string } {
  const address = text.replace(/%.*$/, '')
  if (isIP(address) !== 6) return { family: 'ipv4', address }
  // The one canonical spelling of RFC 5952, in which mapped addresses all begin alike.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical)
  if (!mapped) return { family: 'ipv6', address: canonical }
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return { family: 'ipv4', address: [high >> 8, high & 255, low >> 8, low & 255].join('.') }
}

const lists = new WeakMap<readonly string[], BlockList>()

/** Whether the address is in one of the ranges. What is no address is in none. */
export function isInRanges(ranges: readonly string[], text: string): boolean {
  const { family, address } = plainAddress(text)
  if (isIP(address) === 0) return false
  let list = lists.get(ranges)
  if (!list) {
    list = new BlockList()
    for (const range of ranges) {
      const read = readRange(range)
      if (read) list.addSubnet(read.address, read.bits, read.family)
    }
    lists.set(ranges, list)
  }
  return list.check(address, family)
}

/** Whether every address of `inner` is one of `outer`. */
export function rangeCovers(outer: string, inner: string): boolean {
  const [wide, narrow] = [readRange(outer), readRange(inner)]
  if (!wide || !narrow || wide.family !== narrow.family || narrow.bits < wide.bits) return false
  const list = new BlockList()
  list.addSubnet(wide.address, wide.bits, wide.family)
  return list.check(narrow.address, narrow.family)
}
