import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { PAGE_PATH, readme } from '../../scripts/readme.ts'
import { loadConfig } from '../../src/config/index.ts'

const text = readFileSync(PAGE_PATH, 'utf8')

test('README shows the three lines that a first start prints', () => {
  assert.equal(text, readme(text), 'run `npm run docs`')
})

test('the configuration of README is one that gatehouse takes', () => {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(text)?.[1]
  assert.ok(yaml)
  const { config } = loadConfig({ path: undefined, text: yaml, env: {}, readFile: () => '' })
  assert.deepEqual(Object.keys(config.routes), ['smart'])
})

test('every other one that says so is accepted too', () => {
  const marked = [...text.matchAll(/<!-- tested: gatehouse check accepts it -->\n```yaml\n([\s\S]*?)```/g)]
  assert.ok(marked.length >= 2)
  const guide = readFileSync(path.resolve(import.meta.dirname, '../../docs/guide/cache.md'), 'utf8')
  const env = { NIGHTLY_KEY: 'sk-nightly-0123456789', LEGAL_KEY: 'sk-legal-0123456789' }
  const blocks = [...marked, ...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!)
  for (const yaml of blocks) loadConfig({ path: undefined, text: yaml, env, readFile: () => '' })
})

test('every link of the documents to a file of the repository leads somewhere', () => {
  const root = path.resolve(import.meta.dirname, '../..')
  const broken: string[] = []
  for (const page of globSync(['*.md', 'docs/**/*.md'], { cwd: root })) {
    for (const [, to = ''] of readFileSync(path.join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      if (!existsSync(path.join(root, path.dirname(page), to))) broken.push(`${page}: ${to}`)
    }
  }
  assert.deepEqual(broken, [])
})
