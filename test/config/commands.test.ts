import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

describe('the commands around the configuration', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'gatehouse-commands-'))
  })
  after(() => rmSync(directory, { recursive: true }))

  function gatehouse(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise(resolve => {
      const options = { cwd: directory, env: { PATH: process.env.PATH, OPENAI_API_KEY: 'sk-canary-of-commands' } }
      const child = execFile(process.execPath, [MAIN, ...argv], options, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr })
      )
    })
  }

  it('init writes a file that check takes, with its schema, and does not write over it', async () => {
    const { code, stdout } = await gatehouse('init')
    assert.equal(code, 0)
    assert.match(stdout, /wrote gatehouse\.yaml/)
    assert.deepEqual(readdirSync(directory).sort(), ['gatehouse.schema.json', 'gatehouse.yaml'])

    const [checked, printed, again] = await Promise.all([gatehouse('check'), gatehouse('schema'), gatehouse('init')])
    assert.equal(checked.code, 0, checked.stderr)
    assert.match(checked.stdout, /^OK {2}gatehouse\.yaml$/m)
    assert.match(checked.stdout, /^providers {2}openai$/m)
    assert.match(checked.stdout, /not found .*anthropic \(ANTHROPIC_API_KEY\)/)
    assert.ok(!checked.stdout.includes('canary'))
    assert.equal(printed.stdout, readFileSync(join(directory, 'gatehouse.schema.json'), 'utf8'))
    assert.equal(again.code, 1)
    assert.match(again.stderr, /gatehouse\.yaml: is there already; --force writes over it/)
  })

  it('check says every problem on standard error and exits with 1', async () => {
    writeFileSync(join(directory, 'bad.yaml'), 'strict: maybe\nlimts: {}\n')
    const [text, json] = await Promise.all([
      gatehouse('check', '--config', 'bad.yaml'),
      gatehouse('check', '--config', 'bad.yaml', '--json')
    ])
    assert.equal(text.code, 1)
    assert.equal(text.stdout, '')
    assert.deepEqual(text.stderr.trimEnd().split('\n'), [
      'bad.yaml:1:9 strict: expected true or false, got a text',
      'bad.yaml:2:1 limts: unknown key; did you mean "limits"?'
    ])
    assert.equal(json.code, 1)
    const { ok, problems } = JSON.parse(json.stdout)
    assert.equal(ok, false)
    assert.deepEqual(problems[1], {
      file: 'bad.yaml',
      line: 2,
      column: 1,
      path: 'limts',
      message: 'unknown key',
      nearest: ['limits']
    })
  })
})
