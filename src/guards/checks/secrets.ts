import * as z from 'zod'
import { checkKind, type Finding } from '../guard.ts'
import { normalize } from '../normalize.ts'
import { assigned, credentials, type Found, inAddress, jwt, privateKey } from '../secrets/context.ts'
import { looksRandom } from '../secrets/random.ts'
import { SHAPES } from '../secrets/shapes.ts'

/** A JWT's head may be as long as this before it counts as one; everything else is decided sooner. */
const REACH = 512

const SHAPES_BY_START = new Map<string, (typeof SHAPES)[number]>(
  SHAPES.flatMap(shape => shape.starts.map(start => [start, shape] as const))
)
const STARTS = [...SHAPES_BY_START.keys()]
  .sort((a, b) => b.length - a.length)
  .map(start => start.replaceAll('.', '\\.'))

/** Everywhere something may begin. Which it is, shapes and surroundings say (D24). */
const ANCHORS = new RegExp(
  `(?<![0-9A-Za-z])(?:${STARTS.join('|')}|eyJ|[Bb]earer(?=\\s)|[Bb]asic(?=\\s))|-----BEGIN |:\\/\\/`,
  'g'
)
const NAMES =
  /api[_-]?key|access[_-]?key|secret|(?:auth|access|refresh|id|bearer|session|api)[_-]?token|credential|passw(?:or)?d|passphrase|private[_-]?key|client[_-]?key|account[_-]?key|\bpwd\b/gi

const WORD = /[0-9A-Za-z_+/=-]/

const options = z.strictObject({
  except: z
    .array(z.string())
    .default([])
    .describe('Rules that are left out, as `password` or `jwt` (without `secrets.`).')
})

/** Provider and cloud keys, tokens, private keys, passwords in addresses, and random values under a telling name. */
export const check = checkKind({
  name: 'secrets',
  summary: 'Finds credentials: provider and cloud keys, tokens, private keys, passwords, random values in context.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'mask',
  options,
  create({ except }) {
    const isWanted = ({ name }: Found) => !except.includes(name)
    return { reach: REACH, find: text => secretsIn(text).filter(isWanted).map(toFinding) }
  }
})

function toFinding({ name, start, end, score }: Found): Finding {
  return { rule: `secrets.${name}`, start, end, score, label: name.toUpperCase(), reason: REASONS[name] ?? REASON }
}

const REASON = 'A credential stands in the text.'
const REASONS: Readonly<Record<string, string>> = {
  private_key: 'A private key stands in the text.',
  password: 'A password stands in the text.',
  connection_string: 'An address with a password stands in the text.'
}

function secretsIn(original: string): Found[] {
  const plain = normalize(original)
  const { text } = plain
  const found: Found[] = []
  ANCHORS.lastIndex = 0
  for (let match = ANCHORS.exec(text); match; match = ANCHORS.exec(text)) {
    const one = atAnchor(text, match.index, match[0])
    if (!one) continue
    found.push(one)
    // A credential has no other one inside.
    ANCHORS.lastIndex = Math.max(ANCHORS.lastIndex, one.end)
  }
  found.push(...underNames(text, found))
  return found.map(one => ({ ...one, start: plain.start(one.start), end: plain.end(one.end) }))
}

function atAnchor(text: string, at: number, anchor: string): Found | undefined {
  if (anchor === '://') return inAddress(text, at)
  if (anchor === '-----BEGIN ') return privateKey(text, at)
  if (anchor === 'eyJ') return jwt(text, at)
  const word = anchor.toLowerCase()
  if (word === 'bearer') return credentials(text, at + anchor.length, 'Bearer')
  if (word === 'basic') return credentials(text, at + anchor.length, 'Basic')
  return shaped(text, at, anchor)
}

function shaped(text: string, at: number, start: string): Found | undefined {
  const shape = SHAPES_BY_START.get(start)
  if (!shape) return undefined
  shape.shape.lastIndex = at
  if (!shape.shape.test(text)) return undefined
  let end = shape.shape.lastIndex
  // Judged by what the shape has read, which is bounded: a run of false beginnings must not be read from each to its end.
  const rest = text.slice(at + start.length, end)
  if (/^(.)\1*$/.test(rest) || (shape.isRandom && !looksRandom(rest))) return undefined
  while (end < text.length && WORD.test(text[end]!)) end++
  return { name: shape.name, start: at, end, score: shape.score }
}

/** Random values after names such as `api_key=`, where no shape said already what they are. */
function underNames(text: string, known: readonly Found[]): Found[] {
  const found: Found[] = []
  let next = 0
  NAMES.lastIndex = 0
  for (let match = NAMES.exec(text); match; match = NAMES.exec(text)) {
    const isPassword = /^(?:passw|passp|pwd)/i.test(match[0])
    const one = assigned(text, NAMES.lastIndex, isPassword)
    if (!one) continue
    while (next < known.length && known[next]!.end <= one.start) next++
    const isKnown = next < known.length && known[next]!.start < one.end
    if (!isKnown) found.push(one)
    NAMES.lastIndex = one.end
  }
  return found
}
