import type { BodyHit, BodyPartition, BodyQuery, BodyRow, RequestPlace } from '../bodies.ts'
import { dayOf } from './days.ts'

/** The store as it works in its threads: one to write, one to read. */
export interface BodyWriter {
  put(rows: readonly BodyRow<Buffer>[]): Promise<void>
  dropBefore(ms: number): Promise<number>
  erase(requests: readonly RequestPlace[]): Promise<void>
  close(): Promise<void>
}

export interface BodyReader {
  find(requestId: string, atMs: number): Promise<BodyRow | undefined>
  search(words: readonly string[], query: BodyQuery): Promise<BodyHit[]>
  stats(): Promise<{ partitions: BodyPartition[] }>
  /** Lets go of what is about to be dropped. */
  forget(beforeMs: number): Promise<void>
  close(): Promise<void>
}

export type BodyPlace = { engine: 'sqlite'; directory: string } | { engine: 'postgres'; url: string }

/** Rows or requests by their day. */
export function byDay<T extends { atMs: number }>(rows: readonly T[]): Map<number, T[]> {
  const days = new Map<number, T[]>()
  for (const row of rows) {
    const day = dayOf(row.atMs)
    const those = days.get(day)
    if (those) those.push(row)
    else days.set(day, [row])
  }
  return days
}

/** The days that a query looks into, of those that are there: newest first. */
export function daysOfQuery(days: readonly number[], { fromMs, toMs, before }: BodyQuery): number[] {
  const last = Math.min(dayOf(toMs), before ? dayOf(before.atMs) : Number.POSITIVE_INFINITY)
  return days.filter(day => day >= dayOf(fromMs) && day <= last).sort((a, b) => b - a)
}
