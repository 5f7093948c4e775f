import { commands } from '../../src/cli/index.ts'

/** What a command wrote, and how it ended. */
export interface Ran {
  out: string
  err: string
  code: number
}

/** Runs `gatehouse NAME …` in this process, with nothing in its environment. */
export async function runCommand(name: keyof typeof commands, ...argv: string[]): Promise<Ran> {
  const ran: Ran = { out: '', err: '', code: 0 }
  const { run } = await commands[name]()
  await run(argv, {
    out: async text => {
      ran.out += text
    },
    err: text => {
      ran.err += text
    },
    endWith: code => {
      ran.code = code
    },
    env: {}
  })
  return ran
}
