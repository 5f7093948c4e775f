import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { TestContext } from 'node:test'

export interface Proof {
  code: number | null
  /** One a goal, in order. */
  lines: string[]
  /** `N passed, N failed, N skipped`. */
  closing: string
  /** Lines of goals whose verdict this is. */
  of(verdict: 'PASS' | 'FAIL' | 'SKIPPED'): string[]
}

/** Runs one of `proofs/` to its end, as `npm run` does; killed with the test where it hangs. */
export async function runProof(t: TestContext, name: string, args: readonly string[]): Promise<Proof> {
  const file = resolve(import.meta.dirname, '../../proofs', `${name}.ts`)
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const [code] = await once(child, 'close')
  const lines = out.trimEnd().split('\n')
  const closing = lines.pop() ?? ''
  return {
    code,
    lines,
    closing,
    of: verdict => lines.filter(line => new RegExp(`^.+: .+ \\(goal: .+\\) ${verdict}( |$)`).test(line))
  }
}
