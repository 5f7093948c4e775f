import { type FileHandle, open } from 'node:fs/promises'
import { decode } from './entries.ts'
import type { Position, Written } from './journal.ts'

/** Of a file, at a time. */
const READ_BYTES = 1024 * 1024

/** Up to so many entries of a segment; none of one that somebody has removed. */
export async function readSegment(path: string, from: Position, max: number): Promise<Written[]> {
  const file = await open(path, 'r').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  try {
    return file ? await readFrom(file, from, max) : []
  } finally {
    await file?.close()
  }
}

async function readFrom(file: FileHandle, { segment, offset }: Position, max: number): Promise<Written[]> {
  const { size } = await file.stat()
  for (let length = READ_BYTES; ; length *= 2) {
    const bytes = Buffer.alloc(Math.min(length, size - offset))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
    const { entries } = decode(bytes.subarray(0, bytesRead), max)
    // A line may be longer than what was read.
    if (entries.length > 0 || offset + length >= size)
      return entries.map(({ entry, end }) => ({ entry, segment, offset: offset + end }))
  }
}
