import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type ConfigWatch, watchConfig } from '../../src/config/index.ts'

describe('watchConfig', { timeout: 20_000 }, () => {
  let directory: string
  let watching: ConfigWatch | undefined
  let changes = 0
  let wake: (() => void) | undefined

  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'gatehouse-watch-')))
    changes = 0
  })
  afterEach(() => {
    watching?.close()
    rmSync(directory, { recursive: true })
  })

  function watchFile(path: string, files: string[] = []): void {
    const onChange = () => {
      changes++
      wake?.()
    }
    watching = watchConfig(path, onChange, { debounceMs: 20, files })
  }

  /** Waits for the n-th change; the suite's limit ends a wait in vain. The watch itself keeps no process alive. */
  async function change(n: number): Promise<void> {
    const alive = setInterval(() => {}, 1_000)
    while (changes < n) {
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      await promise
    }
    clearInterval(alive)
    assert.equal(changes, n)
  }

  it('sees a file written in place', async () => {
    const path = join(directory, 'a.yaml')
    writeFileSync(path, 'strict: true')
    watchFile(path)
    writeFileSync(path, 'strict: false')
    await change(1)
  })

  it('sees a file replaced by a rename, again and again', async () => {
    const path = join(directory, 'a.yaml')
    writeFileSync(path, '1')
    watchFile(path)
    for (const round of [1, 2, 3]) {
      writeFileSync(`${path}~`, `round ${round}`)
      renameSync(`${path}~`, path)
      await change(round)
    }
  })

  it('sees the swap of a directory by its link, as Kubernetes mounts a ConfigMap', async () => {
    const swap = (version: string) => {
      mkdirSync(join(directory, `..${version}`))
      writeFileSync(join(directory, `..${version}`, 'a.yaml'), version)
      symlinkSync(`..${version}`, join(directory, '..data_tmp'))
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
    }
    swap('v1')
    symlinkSync('..data/a.yaml', join(directory, 'a.yaml'))
    watchFile(join(directory, 'a.yaml'))
    swap('v2')
    rmSync(join(directory, '..v1'), { recursive: true })
    await change(1)
    swap('v3')
    rmSync(join(directory, '..v2'), { recursive: true })
    await change(2)
  })

  it('sees a file behind a link, and files of secrets elsewhere, also ones named later', async () => {
    const elsewhere = join(directory, 'elsewhere')
    const secrets = join(directory, 'secrets')
    const more = join(directory, 'more')
    for (const one of [elsewhere, secrets, more]) mkdirSync(one)
    writeFileSync(join(elsewhere, 'real.yaml'), '1')
    symlinkSync(join(elsewhere, 'real.yaml'), join(directory, 'a.yaml'))
    writeFileSync(join(secrets, 'key'), 'one')
    watchFile(join(directory, 'a.yaml'), [join(secrets, 'key')])
    writeFileSync(join(elsewhere, 'real.yaml'), '2')
    await change(1)
    writeFileSync(join(secrets, 'key'), 'two')
    await change(2)
    watching!.follow([join(more, 'key')])
    writeFileSync(join(more, 'key'), 'three')
    await change(3)
  })

  it('calls once for a burst, and not for other files nor for the same text again', async () => {
    const path = join(directory, 'a.yaml')
    writeFileSync(path, 'same')
    watchFile(path)
    writeFileSync(join(directory, 'gatehouse.db'), 'noise')
    writeFileSync(path, 'same')
    for (let i = 0; i < 50; i++) writeFileSync(path, `burst ${i}`)
    await change(1)
    writeFileSync(path, 'last')
    await change(2)
  })

  it('is silent after close', async () => {
    const path = join(directory, 'a.yaml')
    writeFileSync(path, '1')
    watchFile(path)
    const closed = watching!
    closed.close()
    closed.follow([path])
    writeFileSync(path, '2')
    // A second watch sees the same events: when it has called, the first would have.
    watchFile(path)
    writeFileSync(path, '3')
    await change(1)
  })
})
