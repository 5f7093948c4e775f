/** The runner behind `npm test`: every outcome is counted, and nothing that went wrong ends with 0. */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { Checkout, type Ended, repository } from './checkout.ts'

const HEAD = "import { test } from 'node:test'\n"

function runTests(context: TestContext, files: Record<string, string>, args: string[]): Promise<Ended> {
  const checkout = new Checkout(context)
  for (const [file, text] of Object.entries(files)) checkout.write(file, HEAD + text)
  checkout.write('scripts/test.ts', '')
  cpSync(path.join(repository, 'scripts', 'test.ts'), checkout.path('scripts/test.ts'))
  const { NODE_TEST_CONTEXT: _, FORCE_CANONICAL: __, ...env } = process.env // or the inner runner reports to the outer
  return checkout.run(process.execPath, [checkout.path('scripts/test.ts'), ...args], env).ended
}

function lastLine({ stdout }: Ended): string {
  return stdout.trimEnd().split('\n').at(-1)!
}

describe('the test runner', { concurrency: true }, () => {
  test('counts what passed, failed and was skipped; a failure ends with 1', async context => {
    const text = "test('a', () => {}); test('b', () => { throw 1 }); test.skip('c'); test.todo('d')"
    const ended = await runTests(context, { 'test/a/a.test.ts': text }, ['test/a'])
    assert.equal(lastLine(ended), '1 passed, 1 failed, 2 skipped')
    assert.equal(ended.code, 1)
  })

  test('all passed ends with 0; only what was asked for runs', async context => {
    const files = { 'test/a/a.test.ts': "test('a', () => {})", 'test/b/b.test.ts': "test('b', () => { throw 1 })" }
    const ended = await runTests(context, files, ['test/a'])
    assert.equal(lastLine(ended), '1 passed, 0 failed, 0 skipped')
    assert.equal(ended.code, 0)
    assert.equal(lastLine(await runTests(context, files, ['test/a/a.test.ts'])), '1 passed, 0 failed, 0 skipped')
  })

  test('a file that does not load, and one without a test, are no success', async context => {
    const broken = await runTests(context, { 'test/a/a.test.ts': "import './gone.ts'" }, ['test/a'])
    assert.equal(lastLine(broken), '0 passed, 1 failed, 0 skipped')
    const unknown = await runTests(context, {}, ['test/a'])
    assert.notEqual(unknown.code, 0)
    assert.match(unknown.stderr, /no test matches test\/a/)
  })

  test('end-to-end tests run twice, the second time through the canonical form', async context => {
    const text = "test('a ' + process.env.FORCE_CANONICAL, t => { t.skip() })"
    const ended = await runTests(context, { 'test/e2e/a.test.ts': text }, ['test/e2e'])
    assert.equal(lastLine(ended), '0 passed, 0 failed, 2 skipped')
    assert.match(ended.stdout, /a undefined[\s\S]*a 1/)
  })
})
