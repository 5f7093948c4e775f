import { BlockList, isIP } from 'node:net'

/** Private and loopback ranges (RFC 1918, RFC 4193): what an operator who names such a server himself means. */
export const PRIVATE_RANGES: readonly string[] = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7'
]

/** What is wrong with an address of a provider, as a sentence; undefined when nothing is. */
export function addressFault(text: string, allowPrivate: readonly string[]): string | undefined {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'must be an http or https URL, as https://api.example.com/v1'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password; use `keys`'
  if (url.search !== '' || url.hash !== '') return 'must have no query and no fragment'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const literal = isIP(host) > 0 ? host : /(^|\.)localhost$/.test(host) ? '127.0.0.1' : undefined
  if (literal !== undefined && within(literal, PRIVATE_OR_LOCAL) && !within(literal, allowPrivate)) {
    return `is a private address; if it is meant, add allow_private: ["${literal}/${literal.includes(':') ? 128 : 32}"] or a range`
  }
  if (
    url.protocol === 'http:' &&
    (literal === undefined ? allowPrivate.length === 0 : !within(literal, allowPrivate))
  ) {
    return 'must be https: plain http is only for addresses in allow_private, as the key would travel in the open'
  }
  return undefined
}

/** Besides the private ranges: link-local (cloud metadata lives there) and "this host". */
const PRIVATE_OR_LOCAL = [...PRIVATE_RANGES, '169.254.0.0/16', '0.0.0.0/8', 'fe80::/10', '::/128']

function within(address: string, ranges: readonly string[]): boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', bits] = range.split('/')
    list.addSubnet(network, Number(bits), network.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** `https://api.openai.com/v1/` without its trailing slash. */
export function trimUrl(url: string): string {
  return url.replace(/\/+$/, '')
}

/**
 * The origin that a variable like `OLLAMA_HOST` names: a URL, `host`, `host:port` or `:port`. An address to listen on
 * (`0.0.0.0`) is loopback for us. Undefined where it is no address.
 */
export function originFrom(text: string, defaultPort: number): string | undefined {
  const trimmed = text.trim()
  const url = URL.parse(/^https?:\/\//.test(trimmed) ? trimmed : `http://${trimmed.replace(/^:/, '127.0.0.1:')}`)
  if (url === null || url.hostname === '') return undefined
  const host = url.hostname === '0.0.0.0' || url.hostname === '[::]' ? '127.0.0.1' : url.hostname
  const port = url.port !== '' ? url.port : url.protocol === 'https:' || /:80$/.test(trimmed) ? '' : String(defaultPort)
  return `${url.protocol}//${host}${port === '' ? '' : `:${port}`}`
}
