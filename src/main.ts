import { commands } from './cli/index.ts'
import { nearest } from './nearest.ts'
import { VERSION } from './version.ts'

/** `gatehouse COMMAND …`: finds the command's file and runs it. */
async function main(argv: string[]): Promise<void> {
  const [name = 'start', ...rest] = argv
  if (name === '--version' || name === '-v') return void console.log(VERSION)
  if (name === '--help' || name === '-h' || name === 'help') return await help()
  // `gatehouse --port 9000` means start: it is what people type first.
  if (name.startsWith('--')) return await run('start', argv)
  if (!Object.hasOwn(commands, name)) {
    const [near] = nearest(name, Object.keys(commands))
    console.error(`gatehouse: no command "${name}".${near ? ` Did you mean "${near}"?` : ''} See gatehouse --help.`)
    process.exitCode = 1
    return
  }
  await run(name as Command, rest)
}

type Command = keyof typeof commands

async function run(name: Command, argv: string[]): Promise<void> {
  try {
    await (await commands[name]()).run(argv)
  } catch (thrown) {
    // What a command throws is meant for people; a programming error shows its stack.
    const expected = thrown instanceof Error && !(thrown instanceof TypeError && !('code' in thrown))
    console.error(
      `gatehouse ${name}: ${expected ? thrown.message : thrown instanceof Error ? thrown.stack : String(thrown)}`
    )
    process.exitCode = 1
  }
}

async function help(): Promise<void> {
  console.log('gatehouse: an LLM gateway of your own\n')
  for (const [name, load] of Object.entries(commands))
    console.log(`  gatehouse ${name.padEnd(8)} ${(await load()).summary}`)
  console.log('\n  gatehouse COMMAND --help shows the flags of a command.')
}

await main(process.argv.slice(2))
