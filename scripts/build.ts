/** `npm run build`: the published package's `dist/`, from `src/`: compiled TypeScript, and everything else as it is. */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const dist = path.join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
const compiled = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: ['ignore', 2, 2] // standard output belongs to `npm pack --json`
})
if (compiled.status !== 0) process.exit(1)
const isData = (file: string) => !file.endsWith('.ts')
for (const entry of globSync('**/*', { cwd: path.join(root, 'src'), withFileTypes: true })) {
  if (!entry.isFile() || !isData(entry.name)) continue
  const source = path.join(entry.parentPath, entry.name)
  cpSync(source, path.join(dist, path.relative(path.join(root, 'src'), source)))
}
