import type * as z from 'zod'
import type { Tools } from '../access/changes.ts'
import type { Actor, Permission } from '../access/permissions.ts'
import type { GuardDesk } from '../build/guard-desk.ts'
import type { Replayer } from '../build/replayer.ts'
import type { Simulator } from '../build/simulator.ts'
import { Failure } from '../errors.ts'
import type { BusTopic } from '../stores/bus.ts'
import type { Stores } from '../stores/stores.ts'
import type { ExplainRooms } from './explain.ts'
import type { Governance } from './governance.ts'

/**
 * Who may use a route: actors with this permission, or with one of these; `any_actor`: whoever has a good admin token;
 * `public`: everybody. There is no default.
 */
export type RoutePermission = Permission | readonly Permission[] | 'any_actor' | 'public'

/** A request that was let in and read. */
export interface Asked<Query = unknown, Body = unknown> {
  actor: Actor
  params: Readonly<Record<string, string>>
  query: Query
  body: Body
  tools: Tools
  governance: Governance
  explain: ExplainRooms
  guards: GuardDesk
  simulator: Simulator
  replayer: Replayer
  /** Runs a change in one transaction, then tells everybody that something of the topic has changed. */
  change<Result>(topic: BusTopic, run: (tx: Stores, tools: Tools) => Promise<Result>): Promise<Result>
}

/** Something to be downloaded, written as it is read. */
export interface Download {
  /** `audit.jsonl` */
  name: string
  type: 'application/x-ndjson' | 'text/csv; charset=utf-8' | 'text/event-stream; charset=utf-8'
  lines: AsyncIterable<string>
}

/** One route of the admin API. The table of them is what is served, documented (OpenAPI) and tested. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/admin`, as `/keys/:id`. */
  path: string
  permission: Exclude<RoutePermission, 'public'>
  /** The heading it stands under in the reference. */
  tag: string
  summary: string
  query?: z.ZodType | undefined
  body?: z.ZodType | undefined
  bodyBytesMax?: number | undefined
  /** What may leave: members that are not in it are left out. Absent: nothing does (204), or it is a download. */
  reply?: z.ZodType | undefined
  status: number
  download: boolean
  /** Works without stores. */
  keepsNothing: boolean
  /** `run` has held its reply to `reply` itself, a piece at a time: a large one at once would hold up calls. */
  checksItself: boolean
  run(asked: Asked): unknown
}

type Given<Query extends z.ZodType, Body extends z.ZodType, Reply extends z.ZodType> = Pick<
  Route,
  'method' | 'path' | 'permission' | 'tag' | 'summary'
> &
  Partial<Pick<Route, 'status' | 'download' | 'keepsNothing' | 'checksItself' | 'bodyBytesMax'>> & {
    query?: Query
    body?: Body
    reply?: Reply
    run(asked: Asked<z.output<Query>, z.output<Body>>): unknown
  }

/** A route, with the types of its schemas in its `run`. */
export function route<
  Query extends z.ZodType = z.ZodType<undefined>,
  Body extends z.ZodType = z.ZodType<undefined>,
  Reply extends z.ZodType = z.ZodType<undefined>
>({ run, ...given }: Given<Query, Body, Reply>): Route {
  const status = given.reply || given.download ? 200 : 204
  return { status, download: false, keepsNothing: false, checksItself: false, ...given, run: run as Route['run'] }
}

/** What was sent, by its schema. Failure `invalid_input` with the path of the first member that is wrong. */
export function readInput(schema: z.ZodType | undefined, sent: unknown): unknown {
  if (!schema) {
    const isEmpty = sent === undefined || sent === null || Object.keys(sent).length === 0
    if (!isEmpty) throw new Failure('invalid_input', 'Nothing is expected here; send no members.', { param: '' })
    return undefined
  }
  const { success, data, error } = schema.safeParse(sent ?? {})
  if (success) return data
  const issue = error.issues[0]!
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
  const param = path.map(String).join('.')
  const words = issue.code === 'unrecognized_keys' ? 'there is no such member' : issue.message
  throw new Failure('invalid_input', `${param === '' ? 'The request' : `"${param}"`}: ${words}.`, { param })
}
