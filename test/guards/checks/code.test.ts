/** Programs, in fences and bare, and prose that speaks of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from '../../../src/guards/checks/code.ts'
import { spotCode } from '../../../src/guards/code/spot.ts'

const PROGRAMS: Readonly<Record<string, string>> = {
  python: 'def total(rows):\n    result = 0\n    for row in rows:\n        result += row["price"]\n    return result',
  javascript:
    'export async function load(url) {\n  const answer = await fetch(url)\n  if (!answer.ok) throw new Error(url)\n  return answer.json()\n}',
  java: 'public class Main {\n  public static void main(String[] args) {\n    System.out.println("hello");\n  }\n}',
  c: '#include <stdio.h>\nint main(void) {\n  printf("hello\\n");\n  return 0;\n}',
  csharp:
    'using System;\nnamespace Demo {\n  class Program {\n    static void Main() { Console.WriteLine("hello"); }\n  }\n}',
  go: 'package main\nimport "fmt"\nfunc main() {\n\tcount := 3\n\tfmt.Println(count)\n}',
  rust: 'fn main() {\n    let mut sum = 0;\n    for n in 0..10 {\n        sum += n;\n    }\n    println!("{}", sum);\n}',
  php: '<?php\n$name = $_GET["name"];\n$rows = $db->query("select 1");\necho $name;',
  ruby: "require 'json'\ndef total(rows)\n  rows.sum { |row| row.price }\nend\nputs total([])",
  sql: 'SELECT team, sum(cost)\nFROM attempts\nWHERE started > 0\nGROUP BY team',
  shell: '#!/bin/sh\nexport NAME=value\ncd /srv/app\nsudo systemctl restart app',
  html: '<html>\n<body>\n<div class="a">hello</div>\n</body>\n</html>'
}

const PROSE = [
  'Could you explain what a Python function is? I have read that it begins with def, and that it may return a value.',
  'Dear team,\n\nThe release is planned for Monday.\nPlease test the following:\n- the login page\n- the search\n- the export\n\nThanks,\nAda',
  'Shopping list:\n1. Apples (3)\n2. Bread\n3. Milk; if there is none, take oat milk\n4. Coffee',
  'The meeting notes:\nWho: Ann, Bob\nWhen: Monday, 10:00\nWhere: Room 4\nWhy: the budget for 2027',
  'Select the best candidates from the list where you can.\nThen update the plan.\nDelete nothing from it.',
  'Roses are red,\nviolets are blue;\nsugar is sweet,\nand so are you.',
  'We use Java and SQL at work. The import of goods from abroad is a class of its own. Return it if you like.',
  'Name;Age;City\nAnn;34;Paris\nBob;27;Rome\nCleo;41;Oslo'
]

const find = (options: object, text: string) =>
  check.create(check.options.parse(options)).find!(text, { side: 'request', role: 'user', kind: 'text', path: 'x' })

test('programs in twelve languages are found, fenced and bare, where they stand', () => {
  for (const [language, program] of Object.entries(PROGRAMS)) {
    const name = language === 'csharp' ? 'c#' : language
    const fenced = `Here it is:\n\`\`\`${name}\n${program}\n\`\`\`\nWhat is wrong with it?`
    const [spot, ...others] = spotCode(fenced, 3)
    assert.deepEqual(others, [], language)
    assert.equal(spot?.language, language)
    assert.ok(fenced.slice(spot.start, spot.end).includes(program), language)
    const bare = `This does not work, can you help?\n\n${program}\n\nIt says nothing at all.`
    const found = spotCode(bare, 3)
    assert.equal(found.length, 1, `${language}: ${JSON.stringify(found)}`)
    assert.equal(found[0]!.language, language, 'bare')
  }
})

test('prose, lists, tables and letters are none', () => {
  for (const text of PROSE) assert.deepEqual(spotCode(text, 3), [], text)
  assert.deepEqual(spotCode('```text\nan order of three lines\nof which none\nis a program\n```', 3), [])
  assert.deepEqual(spotCode('Write `x = 1` and then:\nconst y = 2', 3), [])
})

test('which languages, and how many lines, is the guard’s to say', () => {
  const { python, sql } = PROGRAMS as { python: string; sql: string }
  const text = `\`\`\`python\n${python}\n\`\`\`\n\`\`\`sql\n${sql}\n\`\`\``
  const rules = (options: object) => find(options, text).map(({ rule }) => rule)
  assert.deepEqual(rules({}), ['code.python', 'code.sql'])
  assert.deepEqual(rules({ deny: ['sql'] }), ['code.sql'])
  assert.deepEqual(rules({ allow: ['sql'] }), ['code.python'])
  assert.deepEqual(rules({ lines_min: 5 }), ['code.python'])
})

test('a hostile text of a megabyte is read in linear time', () => {
  const started = performance.now()
  for (const piece of ['```', '{', '    x = (', '```python\n', 'a = b = ', '<div ', '\n'.repeat(3)]) {
    spotCode(piece.repeat(Math.ceil(300_000 / piece.length)), 3)
    spotCode(`${piece}\n`.repeat(Math.ceil(300_000 / (piece.length + 1))), 3)
  }
  assert.ok(performance.now() - started < 10_000)
})
