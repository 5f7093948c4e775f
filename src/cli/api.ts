import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ADMIN_TOKEN_FILE } from '../access/admin-token.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { Terminal } from './terminal.ts'

/** What was typed is no command: exit code 2, where what was refused or failed has 1. */
export class UsageError extends Error {}

export interface Reach {
  url?: string | undefined
  token?: string | undefined
  data?: string | undefined
}

export const REACH_HELP = `  --url      where the gateway listens     (GATEHOUSE_URL, or http://127.0.0.1:8080)
  --token    an admin token                (GATEHOUSE_ADMIN_TOKEN, or that of the data directory)
  --data     the data directory            (./data)
  --json     the answer as JSON`

export const REACH_OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' }
} as const

/** A list is given as often as it is long. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** Asks the admin API of a gateway that runs. Every refusal is an Error in words for people. */
export class AdminClient {
  readonly #url: string
  readonly #token: string

  constructor(reach: Reach, env: Terminal['env']) {
    this.#url = (reach.url ?? env.GATEHOUSE_URL ?? 'http://127.0.0.1:8080').replace(/\/+$/, '')
    if (!/^https?:\/\//.test(this.#url) || !URL.canParse(this.#url)) {
      throw new UsageError(`--url takes an address as http://127.0.0.1:8080, not "${this.#url}"`)
    }
    this.#token = tokenFor(reach, env)
  }

  async ask(method: string, path: string, { query, body }: { query?: Query; body?: object } = {}): Promise<JsonObject> {
    const answer = await this.#send(method, path, query, body)
    const text = await answer.text()
    return text === '' ? {} : (JSON.parse(text) as JsonObject)
  }

  /** Everything of a list, page by page. */
  async list(path: string, query: Query = {}): Promise<JsonObject[]> {
    const rows: JsonObject[] = []
    let after: string | undefined
    for (;;) {
      const page = await this.ask('GET', path, { query: { limit: 1_000, ...query, after } })
      rows.push(...(page.data as JsonObject[]))
      if (typeof page.next !== 'string') return rows
      after = page.next
    }
  }

  /** A file, as it comes. */
  async *download(path: string, query: Query = {}): AsyncGenerator<Uint8Array> {
    const { body } = await this.#send('GET', path, query)
    if (body) yield* body as unknown as AsyncIterable<Uint8Array>
  }

  async #send(method: string, path: string, query: Query = {}, body?: object): Promise<Response> {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map(each => [name, String(each)])
    )
    const search = new URLSearchParams(given).toString()
    const answer = await fetch(`${this.#url}/admin${path}${search && `?${search}`}`, {
      method,
      // Whoever is sent elsewhere must not get the token.
      redirect: 'error',
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) })
    }).catch((thrown: Error) => {
      const cause = thrown.cause instanceof Error ? thrown.cause.message : thrown.message
      throw new Error(`no answer from ${this.#url} (${cause}); does the gateway run there? (--url)`)
    })
    if (!answer.ok) throw new Error(refusal(answer.status, await answer.text()))
    return answer
  }
}

function refusal(status: number, text: string): string {
  try {
    const { error } = JSON.parse(text) as JsonObject
    if (isObject(error)) return `${error.message} (${error.code})`
  } catch {
    // Something else answers there.
  }
  return `the answer was ${status}, and not in the words of Gatehouse; is it one? (--url)`
}

function tokenFor({ token, data = 'data' }: Reach, env: Terminal['env']): string {
  const given = token ?? env.GATEHOUSE_ADMIN_TOKEN
  if (given !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(given)) throw new UsageError('the admin token has characters that no token has')
    return given
  }
  const path = join(data, ADMIN_TOKEN_FILE)
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  throw new UsageError(`no admin token: there is no ${path}; give --data, --token or GATEHOUSE_ADMIN_TOKEN`)
}
