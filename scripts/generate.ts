/**
 * `npm run generate`: writes the `index.ts` of every room whose files make a list (endpoints, commands, dialects).
 * Adding a thing is adding a file; nobody edits a list. The tidy test holds the lists fresh. A new room is one row.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface ListedRoom {
  folder: string
  /** Where a member's module is: `*.ts` (a file each) or `*` + `/index.ts` (a folder each). */
  members: '*.ts' | '*/index.ts'
  /** What a member must export to be one; other files of the folder are helpers. */
  exports: string
  /** The name of the generated record: member's name → its export, or → a function that imports it, where lazy. */
  list: string
  lazy?: boolean
}

export const LISTED_ROOMS: readonly ListedRoom[] = [
  { folder: 'src/cli', members: '*.ts', exports: 'run', list: 'commands', lazy: true },
  { folder: 'src/dialects', members: '*/index.ts', exports: 'dialect', list: 'dialects' },
  { folder: 'src/endpoints', members: '*.ts', exports: 'endpoint', list: 'endpoints' },
  { folder: 'src/guards/checks', members: '*.ts', exports: 'check', list: 'checks' }
]

const HEADER = '// Written by `npm run generate` from the files of this folder. Do not edit.\n'

/** The text of the room's `index.ts`, from its files (path from the repository's root → text); undefined: no member. */
export function listOf(room: ListedRoom, files: ReadonlyMap<string, string>): string | undefined {
  const declared = new RegExp(`^export (?:const|function|async function) ${room.exports}\\b`, 'm')
  const members = [...files]
    .filter(([file, text]) => memberName(room, file) !== undefined && declared.test(text))
    .map(([file]) => ({ name: memberName(room, file)!, from: `./${path.posix.relative(room.folder, file)}` }))
    .sort((left, right) => (left.from < right.from ? -1 : 1))
  if (members.length === 0) return undefined
  const imports = members.map(({ name, from }) => `import { ${room.exports} as ${camelCase(name)} } from '${from}'\n`)
  const entries = members.map(({ name, from }) => {
    if (room.lazy) return `  ${quoted(name)}: () => import('${from}')`
    return quoted(name) === camelCase(name) ? `  ${name}` : `  ${quoted(name)}: ${camelCase(name)}`
  })
  const head = room.lazy ? HEADER : `${HEADER}${imports.join('')}`
  return `${head}\nexport const ${room.list} = {\n${entries.join(',\n')}\n} as const\n`
}

function memberName(room: ListedRoom, file: string): string | undefined {
  const [first, second, ...deeper] = path.posix.relative(room.folder, file).split('/')
  if (first === undefined || first === '..' || deeper.length > 0) return undefined
  if (room.members === '*/index.ts') return second === 'index.ts' ? first : undefined
  return second === undefined && first.endsWith('.ts') && first !== 'index.ts' ? first.slice(0, -3) : undefined
}

/** `chat-completions` → `chatCompletions`; a reserved word cannot be a binding, so it gets a tail. */
function camelCase(name: string): string {
  const camel = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return /^(?:default|delete|export|import|new|null|switch|this|true|false|void|with|in|do|if|for)$/.test(camel)
    ? `${camel}_`
    : camel
}

function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`
}

export function filesUnder(root: string, folder: string): Map<string, string> {
  const found = globSync('**/*.ts', { cwd: path.join(root, folder) }).map(file => path.posix.join(folder, file))
  return new Map(found.map(file => [file, readFileSync(path.join(root, file), 'utf8')]))
}

if (import.meta.filename === process.argv[1]) {
  const root = path.resolve(import.meta.dirname, '..')
  for (const room of LISTED_ROOMS) {
    const index = path.join(root, room.folder, 'index.ts')
    const text = listOf(room, filesUnder(root, room.folder))
    if (text === undefined || (existsSync(index) && readFileSync(index, 'utf8') === text)) continue
    writeFileSync(index, text)
    console.log(`wrote ${room.folder}/index.ts`)
  }
}
