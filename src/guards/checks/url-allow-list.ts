import * as z from 'zod'
import { type Check, checkKind, type Finding } from '../guard.ts'
import { normalize } from '../normalize.ts'

/** An address is decided by its host, which ends within this many units of its beginning. */
const REACH = 512

const options = z.strictObject({
  hosts: z
    .array(
      z
        .string()
        .regex(/^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i, 'expected a host, as `example.com` or `*.example.com`')
    )
    .describe(
      'Hosts that may be linked to; `*.example.com` is every name below example.com, and not that name itself.'
    ),
  images: z
    .boolean()
    .default(false)
    .describe('Looks at images alone (Markdown and HTML): what a page loads by itself. Links are left.'),
  relative: z
    .boolean()
    .default(true)
    .describe('Addresses without a host (`/docs`, `data:`, `mailto:`) are allowed. They are only looked at in links.')
})

/** Links to hosts that are not on the list: the way data leaves through an answer that somebody renders. */
export const check = checkKind({
  name: 'url-allow-list',
  summary: 'Finds links and images whose host is not on the list.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create({ hosts, images, relative }): Check {
    const allowed = hosts.map(host => host.toLowerCase())
    return {
      reach: REACH,
      find: text =>
        linksIn(text, images, relative)
          .filter(link => !isAllowed(link, allowed))
          .map(toFinding)
    }
  }
})

interface Link {
  start: number
  end: number
  /** Undefined where the address has none. */
  host: string | undefined
  isImage: boolean
}

function isAllowed({ host }: Link, allowed: readonly string[]): boolean {
  if (host === undefined) return false
  return allowed.some(entry => (entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry))
}

function toFinding({ start, end, isImage }: Link): Finding {
  return {
    rule: isImage ? 'url_allow_list.image' : 'url_allow_list.link',
    start,
    end,
    score: 1,
    label: 'URL',
    reason: isImage ? 'An image of a host that is not allowed.' : 'A link to a host that is not allowed.'
  }
}

/** `https://`, `//host` after a quote or bracket, `www.` and Markdown's or HTML's places for an address. */
const ANCHORS =
  /(?:\bhttps?:[\\/]{1,8}|\b[a-z][a-z0-9+.-]{1,15}:[\\/]{2}|[\\/]{2})(?=[^\s\\/])|\bwww\.(?=[a-z0-9])|\]\(\s{0,4}<?|\b(?:src|href)\s{0,3}=\s{0,3}["']?/gi
const ADDRESS = /[^\s"'`<>)\]}]{1,2048}/y

function linksIn(original: string, imagesOnly: boolean, relative: boolean): Link[] {
  const plain = normalize(original)
  const { text } = plain
  const links: Link[] = []
  ANCHORS.lastIndex = 0
  for (let match = ANCHORS.exec(text); match; match = ANCHORS.exec(text)) {
    const isPlaced = /[(<=]|["']$/.test(match[0])
    const start = isPlaced ? ANCHORS.lastIndex : match.index
    ADDRESS.lastIndex = start
    let address = ADDRESS.exec(text)?.[0]
    if (address === undefined) continue
    address = address.replace(/[.,;:!?]+$/, '')
    const isImage = isPlaced && isImageAt(text, match.index, match[0])
    const [from, to] = [plain.start(start), plain.end(start + address.length)]
    // As it was written: letters that imitate others are another host.
    const host = hostOf(original.slice(from, to))
    const isLink = isPlaced || isAddress(match[0], address)
    ANCHORS.lastIndex = Math.max(ANCHORS.lastIndex, start + address.length)
    if (!isLink || (imagesOnly && !isImage) || (relative && host === undefined)) continue
    links.push({ start: from, end: to, host, isImage })
  }
  return links
}

/** Whether a mark for an address is that of an image: `![alt](` or `<img … src=`. Looks back a bounded way. */
function isImageAt(text: string, at: number, mark: string): boolean {
  const before = text.slice(Math.max(0, at - 200), at)
  if (!mark.startsWith(']')) return /<(?:img|image|iframe|script|video|audio|source|embed)\b[^>]*$/i.test(before)
  const open = before.lastIndexOf('[')
  return open > 0 && before[open - 1] === '!'
}

/** A comment of code (`// so`) is no address. */
function isAddress(mark: string, address: string): boolean {
  return !/^[\\/]{2}$/.test(mark) || /^[\\/]{2}[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:[:/?#]|$)/i.test(address)
}

/** The host as a browser reads it: backslashes are slashes, `user@` is none of it, names in any alphabet as punycode. */
function hostOf(address: string): string | undefined {
  const slashed = address.replaceAll('\\', '/')
  const absolute = slashed.startsWith('//')
    ? `https:${slashed}`
    : /^www\./i.test(slashed)
      ? `https://${slashed}`
      : slashed
  // Of these two, browsers read a host also after one slash, or none.
  const hasHost = /^(?:https?:|[a-z][a-z0-9+.-]*:\/\/)/i.test(absolute)
  if (!hasHost) return undefined
  // Of schemes that browsers do not know, the same rules hold.
  const url = URL.parse(absolute.replace(/^[a-z][a-z0-9+.-]*:/i, 'https:'))
  return url ? url.hostname.replace(/\.$/, '') : ''
}
