import { Failure } from '../../errors.ts'
import { isObject } from '../../json.ts'
import type { Answer } from './ask.ts'

/**
 * Why no token or signature could be had, in words of ours that hold no secret. What somebody else said of it (`theirs`)
 * is for the log alone.
 */
export class NoToken extends Error {
  readonly theirs: string | undefined
  constructor(message: string, theirs?: string) {
    super(message)
    this.theirs = theirs?.slice(0, THEIRS_CHARS_MAX)
  }
}

const THEIRS_CHARS_MAX = 500

/** What is thrown while a token is fetched, as a reason. Texts of libraries are theirs: no more is known of them. */
export function reasonOf(thrown: unknown): NoToken {
  if (thrown instanceof NoToken) return thrown
  if (thrown instanceof Failure) return new NoToken(thrown.message.replace(/\.$/, ''))
  if (!(thrown instanceof Error)) return new NoToken(UNKNOWN)
  if (thrown.name === 'CredentialsProviderError') return new NoToken('AWS’s chain gave no credentials', thrown.message)
  return new NoToken(UNKNOWN, thrown.message)
}

const UNKNOWN = 'the library that fetches a token failed'

/** An answer that is no token: OAuth 2 says the kind of error in one word (RFC 6749, 5.2). */
export function refusedBy(who: string, { status, body }: Answer): NoToken {
  const text = body.toString('utf8')
  const said = parsed(text)
  const word = typeof said?.error === 'string' && /^\w{1,64}$/.test(said.error) ? ` (${said.error})` : ''
  const description = said?.error_description
  return new NoToken(`${who} answered with status ${status}${word}`, String(description ?? text))
}

/** A member of a JSON answer; undefined where it is no such text or number. */
export function member<Type extends 'string' | 'number'>(
  body: Buffer,
  name: string,
  type: Type
): (Type extends 'string' ? string : number) | undefined {
  const value = parsed(body.toString('utf8'))?.[name]
  // App Service and metadata services write numbers as texts.
  const read = type === 'number' && typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof read === type ? (read as never) : undefined
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * A package that is loaded only where it is needed, and need not be installed. `import(name)` is written out at each
 * place, so that tools see it.
 */
export async function optional<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (thrown) {
    const { code } = thrown as { code?: unknown }
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw thrown
    throw new NoToken(`the package ${name} is not installed; run "npm install ${name}" where Gatehouse is installed`)
  }
}
