/** What a command writes to, and reads its surroundings from; a test gives it another. */
export interface Terminal {
  /** Resolves when it is written: what reads us may be slower. */
  out(text: string | Uint8Array): Promise<void>
  err(text: string): void
  /** What the process ends with. */
  endWith(code: number): void
  env: Readonly<Record<string, string | undefined>>
}

export const terminal: Terminal = {
  out: text =>
    new Promise((resolve, reject) => process.stdout.write(text, thrown => (thrown ? reject(thrown) : resolve()))),
  err: text => void process.stderr.write(text),
  endWith(code) {
    process.exitCode = code
  },
  get env() {
    return process.env
  }
}
