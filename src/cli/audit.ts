import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { verify } from '../access/audit.ts'
import { type Checkpoint, checkpointLine, readCheckpoints } from '../access/checkpoints.ts'
import type { JsonObject } from '../json.ts'
import type { AuditRow } from '../stores/rows.ts'
import { UsageError } from './api.ts'
import { type Flags, flagsOf, runSubcommand, type Subcommand } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'the audit log: list, export, checkpoint, public-key, verify'

const subcommands: Record<string, Subcommand> = {
  list: {
    usage: '[--from SEQ] [--limit N]',
    summary: 'lists the audit log, the oldest first',
    options: flagsOf({ one: ['from', 'limit'] }),
    async run({ client, flags, list }) {
      const query = { from_seq: flags.from as string | undefined, limit: (flags.limit as string) ?? '1000' }
      const { data } = await client.ask('GET', '/audit', { query })
      await list(data as JsonObject[], ['seq', 'at', 'actor', 'role', 'address', 'action', 'object', 'request_id'])
    }
  },
  export: {
    usage: '> audit.jsonl',
    summary: 'writes the whole log, as "verify" reads it',
    async run({ client, out }) {
      for await (const bytes of client.download('/audit/export')) await out(bytes)
    }
  },
  checkpoint: {
    usage: '>> checkpoints.jsonl',
    summary: 'writes the newest row, signed; keep it where those who run the database cannot write',
    async run({ client, out }) {
      const { checkpoint } = await client.ask('GET', '/audit/checkpoint')
      await out(checkpointLine(checkpoint as unknown as Checkpoint))
    }
  },
  'public-key': {
    usage: '> audit.pem',
    summary: 'writes the key that checkpoints are verified with; keep it beside them',
    async run({ client, out }) {
      await out(String((await client.ask('GET', '/audit/checkpoint')).public_key))
    }
  },
  verify: {
    usage: 'FILE [--checkpoints FILE --public-key FILE]',
    summary: 'goes through an exported log and names the first wrong row; asks no gateway',
    words: [1, 1],
    options: flagsOf({ one: ['checkpoints', 'public-key'] }),
    offline: true,
    async run({ words, flags, show }) {
      const found = await verify(rowsIn(words[0]!), anchorsIn(flags))
      if (found.ok) return show({ ok: true, rows: found.rows, hash: found.last?.hash ?? null })
      if (flags.json) show({ ...found })
      throw new Error(`row ${found.seq} is the first that is wrong: ${found.why}`)
    }
  }
}

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('audit', subcommands, argv, { io })
}

async function* rowsIn(path: string): AsyncGenerator<AuditRow> {
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    yield rowIn(line, `${path}, line ${number}`)
  }
}

function rowIn(line: string, where: string): AuditRow {
  try {
    const row = JSON.parse(line) as AuditRow
    if (Number.isSafeInteger(row.seq) && typeof row.hash === 'string') return row
  } catch {
    // Told below.
  }
  throw new Error(`${where} is no row of an audit log`)
}

function anchorsIn(flags: Flags): readonly Checkpoint[] {
  const { checkpoints: path, 'public-key': key } = flags
  if (path === undefined && key === undefined) return []
  if (typeof path !== 'string' || typeof key !== 'string') {
    throw new UsageError('--checkpoints and --public-key go together')
  }
  const read = readCheckpoints(readFileSync(path, 'utf8'), readFileSync(key, 'utf8'))
  if (!read.ok) throw new Error(`${path}, line ${read.line}: ${read.why}`)
  return read.checkpoints
}
