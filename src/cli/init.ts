import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { configJsonSchema, SCHEMA_FILE_NAME } from '../config/json-schema.ts'

export const summary = 'writes a commented configuration file to begin with'

const HELP = `gatehouse init [--path FILE] [--force]

  --path     where to write it      (gatehouse.yaml)
  --force    write over a file that is there`

/** `gatehouse init [--path gatehouse.yaml] [--force]`. Writes over an existing file only with `--force`. */
export async function run(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      path: { type: 'string', default: 'gatehouse.yaml' },
      force: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help) return console.log(HELP)
  const { path, force } = values
  if (!/\.ya?ml$/.test(path)) return refuse(`${path}: the file is YAML; give it a name that ends in .yaml`)
  if (!force && existsSync(path)) return refuse(`${path}: is there already; --force writes over it`)
  const schemaPath = join(dirname(path), SCHEMA_FILE_NAME)
  writeFileSync(path, STARTER)
  writeFileSync(schemaPath, `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
  process.stdout.write(`wrote ${path} and ${schemaPath} (for editors)\nnext: gatehouse check --config ${path}\n`)
}

function refuse(message: string): void {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}

/** What is commented out by a bare `#` is an example that can be taken in as it is; after `# ` it is a sentence. */
export const STARTER = `# yaml-language-server: $schema=./${SCHEMA_FILE_NAME}
#
# The configuration of Gatehouse. Everything in it has a default: an empty file works.
# Every setting: docs/reference/config.md. Check this file: gatehouse check.
# A value may come from outside: \${NAME}, \${NAME:-default}, \${file:/run/secrets/name}.

# Address and port. Anything but a loopback address needs keys (below).
listen: 127.0.0.1:8080

# Keys that clients may use. Without any, only programs of this machine may call.
#keys:
#  - name: my-application
#    key: \${MY_APPLICATION_KEY}

# Providers known by name need no entry: OPENAI_API_KEY, ANTHROPIC_API_KEY, … in the environment are enough.
#providers:
#  lab:
#    like: openai
#    base_url: http://10.0.0.5:8000/v1
#    keys:
#      - \${LAB_KEY}
#    allow_private:
#      - 10.0.0.0/8

# Model names of your own. Clients may ask for "smart" as well as for "anthropic/claude-opus-4-7".
#routes:
#  smart:
#    to:
#      fallback:
#        - anthropic/claude-opus-4-7
#        - use: openai/gpt-5.5
#          params:
#            default: { temperature: 0.2 }
#            drop: [top_k]
#    timeouts:
#      first_token: 20s
#  half-and-half:
#    split:
#      - weight: 1
#        to: openai/gpt-5.5
#      - weight: 1
#        to: smart

# The largest things taken.
#limits:
#  body: 40MB
#  in_flight: 512MB

# How long a call may take.
#timeouts:
#  first_token: 60s
#  total: 10m

# Where keys, logs and counters are kept.
stores:
  data: ./data

#log:
#  level: info
#  format: json
`
