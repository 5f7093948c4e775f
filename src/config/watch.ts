import { createHash } from 'node:crypto'
import { type FSWatcher, readFileSync, realpathSync, watch } from 'node:fs'
import { dirname, resolve } from 'node:path'

export interface ConfigWatch {
  /** Replaces the further files to watch (those that `${file:…}` named): call it after every load. */
  follow(files: readonly string[]): void
  /** Nothing is watched and nothing called any more. */
  close(): void
}

export interface WatchOptions {
  /** Quiet time after the last event before the files are looked at, in milliseconds. */
  debounceMs?: number
  /** Further files whose change is a change of the configuration. */
  files?: readonly string[]
}

/**
 * Calls `onChange` when the contents of the file (or of a followed one) have changed, whichever way: written in place,
 * replaced by a rename (editors), or by swapping a symbolic link of a directory (Kubernetes' `..data`). A watch on the
 * file itself would stay on the old inode in the last two, so *directories* are watched, and what happened is found by
 * comparing contents: other files beside it may change as they like. Does not keep the process alive.
 */
export function watchConfig(path: string, onChange: () => void, options: WatchOptions = {}): ConfigWatch {
  const { debounceMs = 200 } = options
  const watchers = new Map<string, FSWatcher>()
  let files = [path, ...(options.files ?? [])]
  let seen = fingerprint(files)
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function look(): void {
    timer = undefined
    // The swap of a link may have led to another directory; one watched before may be gone.
    watchDirectories()
    const now = fingerprint(files)
    if (now === seen) return
    seen = now
    onChange()
  }

  function stir(): void {
    if (closed) return
    if (timer) timer.refresh()
    else timer = setTimeout(look, debounceMs).unref()
  }

  function watchDirectories(): void {
    const wanted = new Set(files.flatMap(directoriesOf))
    for (const [directory, watcher] of watchers) {
      if (wanted.has(directory)) continue
      watcher.close()
      watchers.delete(directory)
    }
    for (const directory of wanted) if (!watchers.has(directory)) watchDirectory(directory)
  }

  function watchDirectory(directory: string): void {
    const drop = () => {
      watchers.get(directory)?.close()
      watchers.delete(directory)
    }
    try {
      const watcher = watch(directory, { persistent: false }, stir)
      watchers.set(directory, watcher.on('error', drop))
    } catch {
      // Not there now: the load says what is missing, and the next event anywhere looks again.
    }
  }

  watchDirectories()
  return {
    follow(further) {
      if (closed) return
      const before = files
      files = [path, ...further]
      if (before.join('\0') === files.join('\0')) return
      seen = fingerprint(files)
      watchDirectories()
    },
    close() {
      closed = true
      clearTimeout(timer)
      for (const watcher of watchers.values()) watcher.close()
      watchers.clear()
    }
  }
}

/** The directory that a file is named in, and the one it really lies in: a change in either may change what is read. */
function directoriesOf(file: string): string[] {
  const named = dirname(resolve(file))
  try {
    return [named, dirname(realpathSync(file))]
  } catch {
    return [named]
  }
}

function fingerprint(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) {
    try {
      hash.update(createHash('sha256').update(readFileSync(file)).digest())
    } catch {
      hash.update('absent')
    }
  }
  return hash.digest('hex')
}
