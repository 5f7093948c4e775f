import { createHash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import type { Spotted } from './kinds.ts'

/** Addresses of machines, wallets and pages: each is found at a mark of its own. */

const IPV4 = /(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)/g
const IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})?(?![\w:])/gi
const MAC =
  /(?<![\w:-])(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})(?![\w:-])/gi
/** Of every machine, or of none: they tell of nobody. */
const NOBODY = /^(?:0\.0\.0\.0|127\.|255\.255\.255\.255|::1?$)/
/** `version 1.2.3.4`, `v1.2.3.4`, `release 10.0.0.1`. */
const VERSION = /(?:\bv|version|release|build|schema|firmware)[ :=]{0,3}$/i

export function machines(text: string): Spotted[] {
  const found: Spotted[] = []
  for (const match of text.matchAll(IPV4)) {
    const [address] = match
    const isVersion = VERSION.test(text.slice(Math.max(0, match.index - 12), match.index))
    if (isIPv4(address) && !NOBODY.test(address) && !isVersion) found.push(spot('ip', match, 0.8))
  }
  // Looked for first, since it costs a tenth: most texts have none of it.
  const hasColons = /:[0-9a-f]{0,4}:/i.test(text)
  if (hasColons) {
    for (const match of text.matchAll(IPV6)) {
      const [address] = match
      if (address.length > 4 && isIPv6(address) && !NOBODY.test(address)) found.push(spot('ip', match, 0.8))
    }
  }
  if (hasColons || /-[0-9a-f]{2}-|\.[0-9a-f]{4}\./i.test(text)) {
    for (const match of text.matchAll(MAC)) found.push(spot('mac', match, 0.9))
  }
  return found
}

const WALLET =
  /(?<![0-9A-Za-z])(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71}|0x[0-9a-fA-F]{40})(?![0-9A-Za-z])/g

export function wallets(text: string): Spotted[] {
  const found: Spotted[] = []
  for (const match of text.matchAll(WALLET)) {
    const [address] = match
    const holds = address.startsWith('0x') || (address.startsWith('bc1') ? isBech32(address) : isBase58Check(address))
    if (holds) found.push(spot('crypto_address', match, 0.95))
  }
  return found
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Bitcoin's base58check: 21 bytes, and the first four of their double SHA-256. */
function isBase58Check(address: string): boolean {
  let value = 0n
  for (const character of address) value = value * 58n + BigInt(BASE58.indexOf(character))
  const hex = value.toString(16).padStart(50, '0')
  if (hex.length !== 50) return false
  const bytes = Buffer.from(hex, 'hex')
  const sha = (data: Buffer) => createHash('sha256').update(data).digest()
  return sha(sha(bytes.subarray(0, 21)))
    .subarray(0, 4)
    .equals(bytes.subarray(21))
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
/** Of `bc` before its separator, expanded. */
const PREFIX = [3, 3, 0, 2, 3]

/** BIP 173 and BIP 350. */
function isBech32(address: string): boolean {
  let check = 1
  for (const value of [...PREFIX, ...[...address.slice(3)].map(character => BECH32.indexOf(character))]) {
    const top = check >>> 25
    check = (((check & 0x1ffffff) << 5) ^ value) >>> 0
    for (let bit = 0; bit < 5; bit++) if ((top >>> bit) & 1) check = (check ^ GENERATOR[bit]!) >>> 0
  }
  return check === 1 || check === 0x2bc830a3
}

const LOCAL = /[\p{L}\p{N}._%+'-]{1,64}$/u
const DOMAIN =
  /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,4}\p{L}{2,24}(?![\p{L}\p{N}-]|\.[\p{L}\p{N}])/u
const LOCAL_UNITS = 64
const DOMAIN_UNITS = 96

export function emails(text: string): Spotted[] {
  const found: Spotted[] = []
  let passed = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const local = LOCAL.exec(text.slice(Math.max(passed, at - LOCAL_UNITS), at))?.[0].replace(/^[.'%+-]+/, '')
    const domain = local && DOMAIN.exec(text.slice(at + 1, at + 1 + DOMAIN_UNITS))?.[0]
    if (!local || !domain || local.endsWith('.')) continue
    passed = at + 1 + domain.length
    found.push({ type: 'email', start: at - local.length, end: passed, score: 0.95 })
  }
  return found
}

const URL_SHAPE = /(?:https?|ftp):\/\/[^\s<>"'`{}|\\^]{1,200}/gi

export function urls(text: string): Spotted[] {
  if (!text.includes('://')) return []
  return [...text.matchAll(URL_SHAPE)].map(match => {
    const address = match[0].replace(/[).,;:!?\]]+$/, '')
    return { type: 'url', start: match.index, end: match.index + address.length, score: 0.8 }
  })
}

function spot(type: string, match: RegExpExecArray, score: number): Spotted {
  return { type, start: match.index, end: match.index + match[0].length, score }
}
