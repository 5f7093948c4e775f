import { APART, FLOORS } from './floors.ts'
import { type Finding, resolveImport, type Source } from './source.ts'

/** The files of floor 0 are one room: they are the words everybody speaks. */
const GROUND = 'ground'

function nameOf(file: string): string {
  return file.split('/')[1]!.replace(/\.ts$/, '')
}

function roomOf(file: string): string {
  return FLOORS[nameOf(file)] === 0 ? GROUND : nameOf(file)
}

/** An import goes down a floor or stays in its room; every room has a floor; some rooms stay apart. */
export function checkFloors(sources: readonly Source[]): Finding[] {
  const inHouse = sources.filter(source => source.path.startsWith('src/'))
  return inHouse.flatMap(source => {
    if (FLOORS[nameOf(source.path)] === undefined) return [roomWithoutFloor(source)]
    return source.imports.flatMap(({ specifier, line }) => {
      const target = resolveImport(source.path, specifier)
      const problem = target === undefined ? undefined : importProblem(source.path, target)
      return problem ? [{ path: source.path, line, ...problem }] : []
    })
  })
}

function roomWithoutFloor(source: Source): Finding {
  const message = `room '${nameOf(source.path)}' has no floor: give it a line in test/tidy/floors.ts`
  return { path: source.path, line: 1, rule: 'floor', message }
}

function importProblem(from: string, to: string): { rule: string; message: string } | undefined {
  if (to === 'package.json') return undefined // published beside dist/, as it lies beside src/
  if (!to.startsWith('src/')) return { rule: 'floor', message: `${to} lies outside src/, and is not published` }
  const [room, below] = [roomOf(from), roomOf(to)]
  if (APART[room]?.includes(below)) return { rule: 'apart', message: `${room} shares no code with ${below}: ${to}` }
  if (room === below) return dialectProblem(from, to)
  const [here, there] = [FLOORS[nameOf(from)]!, FLOORS[nameOf(to)]]
  if (there === undefined || there < here) return undefined // a room without a floor is reported at its own files
  const way = there === here ? 'sideways' : 'up'
  return { rule: 'floor', message: `imports ${way}: ${nameOf(from)} (${here}) → ${nameOf(to)} (${there}), ${to}` }
}

/** Dialects meet only in translate.ts: a folder of one knows nothing of another's. */
function dialectProblem(from: string, to: string): { rule: string; message: string } | undefined {
  const [left, right] = [from, to].map(file => /^src\/dialects\/([^/]+)\//.exec(file)?.[1])
  if (left === undefined || right === undefined || left === right) return undefined
  return { rule: 'apart', message: `dialect ${left} knows nothing of dialect ${right}: ${to}` }
}
