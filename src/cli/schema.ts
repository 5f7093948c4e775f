import { parseArgs } from 'node:util'
import { configJsonSchema } from '../config/json-schema.ts'

export const summary = 'prints the JSON Schema of the configuration file'

/** `gatehouse schema > gatehouse.schema.json`: for editors and for checks in other tools. */
export async function run(argv: string[]): Promise<void> {
  const { values } = parseArgs({ args: argv, options: { help: { type: 'boolean', short: 'h' } } })
  if (values.help) return console.log('gatehouse schema > gatehouse.schema.json')
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
}
