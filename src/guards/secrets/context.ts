import { isPlaceholder, looksRandom } from './random.ts'

/** A secret by what stands around it. Offsets in the text given. */
export interface Found {
  name: string
  start: number
  end: number
  score: number
}

/** After a word that names a secret: up to its value. `"api_key": "…"`, `API_KEY=…`, `password is …`. */
const TO_VALUE = /[\w-]{0,24}["'`]?\]?\s{0,4}(?::=|=>|[:=]|\bis\b)\s{0,4}(["'`]?)/y
const QUOTED = { '"': /[^"\n]{1,200}/y, "'": /[^'\n]{1,200}/y, '`': /[^`\n]{1,200}/y } as const
const BARE = /[^\s"'`,;<>(){}[\]|]{1,200}/y

/** Least length of a password that counts: shorter ones are words. */
const PASSWORD_LEAST = 6

/** The value that is given to a named secret; `at`: where the name ends. */
export function assigned(text: string, at: number, isPassword: boolean): Found | undefined {
  TO_VALUE.lastIndex = at
  const lead = TO_VALUE.exec(text)
  if (!lead) return undefined
  const start = TO_VALUE.lastIndex
  const quote = lead[1] as keyof typeof QUOTED | ''
  const shape = quote === '' || quote === undefined ? BARE : QUOTED[quote]
  shape.lastIndex = start
  let value = shape.exec(text)?.[0] ?? ''
  if (quote === '') value = value.replace(/[.!?:]+$/, '')
  if (isPlaceholder(value) || /^[\w.]{1,60}[([]/.test(text.slice(start, start + value.length + 1))) return undefined
  const isSecret = isPassword ? looksLikePassword(value, quote !== '') : looksRandom(value) || isHex(value)
  if (!isSecret) return undefined
  const name = isPassword ? 'password' : 'assigned_secret'
  return { name, start, end: start + value.length, score: isPassword ? 0.7 : 0.8 }
}

function isHex(value: string): boolean {
  return /^[0-9a-f]{32,128}$/i.test(value) && /\d/.test(value) && /[a-f]/i.test(value)
}

function looksLikePassword(value: string, isQuoted: boolean): boolean {
  if (value.length < PASSWORD_LEAST || value.length > 128 || /\s/.test(value)) return false
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9_.\-/]/].filter(kind => kind.test(value)).length
  // A name of code has letters of both cases, perhaps a digit at its end.
  return (
    kinds >= 3 ||
    (kinds >= 2 && /\d|[^\w.]/.test(value) && (isQuoted || !/^\w*(?:pass|pwd|secret|token|key)\w*$/i.test(value)))
  )
}

const USER_INFO = /[^\s/?#@:"'`<>]{0,64}:([^\s/?#@"'`<>]{1,128})@[\w[]/y

/** The password of `scheme://user:password@host`; `at`: where the `://` begins. */
export function inAddress(text: string, at: number): Found | undefined {
  USER_INFO.lastIndex = at + 3
  const match = USER_INFO.exec(text)
  const password = match?.[1]
  if (password === undefined || /^[$<{[%*]|pass(?:word)?$|^(?:pwd|secret|guest|xxx+)$/i.test(password)) return undefined
  const end = USER_INFO.lastIndex - 2
  return { name: 'connection_string', start: end - password.length, end, score: 0.9 }
}

const BEARER = /\s{1,4}[\w.~+/-]{16,512}={0,2}/y
const BASIC = /\s{1,4}[0-9A-Za-z+/]{8,512}={0,2}/y

/** What follows `Bearer` or `Basic`; `at`: where that word ends. */
export function credentials(text: string, at: number, scheme: 'Bearer' | 'Basic'): Found | undefined {
  const shape = scheme === 'Bearer' ? BEARER : BASIC
  shape.lastIndex = at
  const found = shape.exec(text)?.[0]
  if (found === undefined) return undefined
  const value = found.trimStart()
  const isSecret = scheme === 'Bearer' ? looksRandom(value) : /:/.test(Buffer.from(value, 'base64').toString('latin1'))
  if (!isSecret || (scheme === 'Basic' && !/\d|=$/.test(value))) return undefined
  const end = at + found.length
  return {
    name: scheme === 'Bearer' ? 'bearer_token' : 'basic_credentials',
    start: end - value.length,
    end,
    score: 0.85
  }
}

const JWT = /eyJ[\w-]{8,400}\.(?:eyJ|[\w-]{16,400})[\w-]*(?:\.[\w-]+){0,3}/y

/** A token of three parts in base64url, of which the first is a JSON object. */
export function jwt(text: string, at: number): Found | undefined {
  JWT.lastIndex = at
  return JWT.test(text) ? { name: 'jwt', start: at, end: JWT.lastIndex, score: 0.95 } : undefined
}

const PEM_HEAD = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y
const PEM_END = /-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y
/** A line of the key; line ends may be written as `\n`. */
const PEM_LINE = /(?:\s|\\[nr]){0,8}[0-9A-Za-z+/=]{16,}/y
/** What may stand between a key's beginning and end, old keys' headers too. */
const PEM_BODY = /^[\w+/=\s\\:,.;-]*$/
const PEM_MAX = 16_384

/** A private key in PEM, to its end; without one, as far as there are lines of it, for a stream brings the rest. */
export function privateKey(text: string, at: number): Found | undefined {
  PEM_HEAD.lastIndex = at
  if (!PEM_HEAD.test(text)) return undefined
  const head = PEM_HEAD.lastIndex
  const body = text.slice(head, head + PEM_MAX)
  const last = body.indexOf('-----END')
  PEM_END.lastIndex = head + last
  if (last !== -1 && PEM_END.test(text) && PEM_BODY.test(body.slice(0, last))) {
    return { name: 'private_key', start: at, end: PEM_END.lastIndex, score: 1 }
  }
  let end = head
  for (PEM_LINE.lastIndex = head; PEM_LINE.test(text); ) end = PEM_LINE.lastIndex
  return { name: 'private_key', start: at, end, score: 1 }
}
