/** Programs in a text: in fences, and as lines that no prose has. */

export interface CodeSpot {
  /** `python`, `sql`, …; `unknown` where nobody can say. */
  language: string
  start: number
  end: number
  /** 0 to 1. */
  score: number
}

/** As fences call them. */
const ALIASES: Readonly<Record<string, string>> = {
  js: 'javascript',
  jsx: 'javascript',
  mjs: 'javascript',
  node: 'javascript',
  javascript: 'javascript',
  ts: 'javascript',
  tsx: 'javascript',
  typescript: 'javascript',
  py: 'python',
  python: 'python',
  python3: 'python',
  java: 'java',
  kotlin: 'java',
  kt: 'java',
  c: 'c',
  h: 'c',
  cpp: 'c',
  'c++': 'c',
  cc: 'c',
  cs: 'csharp',
  csharp: 'csharp',
  'c#': 'csharp',
  go: 'go',
  golang: 'go',
  rs: 'rust',
  rust: 'rust',
  php: 'php',
  rb: 'ruby',
  ruby: 'ruby',
  sql: 'sql',
  sh: 'shell',
  bash: 'shell',
  zsh: 'shell',
  shell: 'shell',
  console: 'shell',
  html: 'html',
  xml: 'html',
  css: 'css',
  json: 'json',
  yaml: 'yaml',
  yml: 'yaml'
}

/** Fences with these hold no program. */
const NO_CODE: ReadonlySet<string> = new Set([
  'text',
  'txt',
  'plain',
  'markdown',
  'md',
  'mermaid',
  'diff',
  'log',
  'output'
])

/** Every language that is told apart. */
export const CODE_LANGUAGES: readonly string[] = [...new Set(Object.values(ALIASES)), 'unknown'].sort()

/** What a line of a language has, and prose has not. */
const MARKS: readonly (readonly [language: string, mark: RegExp])[] = [
  [
    'python',
    /^\s*(?:def \w+\(.*\).*:|class \w+.*:|from [\w.]+ import |import [\w.]+(?: as \w+)?$|elif .*:|if __name__|for \w+ in .+:$|@\w+$|return \w+\[|print\(|with .+ as \w+:|except \w*.*:|try:)/
  ],
  ['rust', /^\s*(?:pub )?(?:fn \w+[(<]|let mut |impl\b.*\{|use \w+::|match .+\{|#\[\w+|struct \w+ ?\{)|println!\(/],
  ['go', /^\s*(?:package \w+$|func (?:\(\w+ \*?\w+\) )?\w+\(|import \($)|\w+ := |fmt\.\w+\(/],
  ['csharp', /^\s*(?:using [\w.]+;|namespace [\w.]+)|Console\.\w+\(|\bpublic (?:async )?Task\b/],
  [
    'java',
    /^\s*(?:package [\w.]+;|import (?:static )?[\w.*]+;|(?:public|private|protected) (?:static |final )*\w+(?:<.*>)? \w+\s*[({=])|System\.out\./
  ],
  [
    'c',
    /^\s*(?:#include\b|#define\b|(?:int|void|char|double|float|size_t|static|const char) \*?\w+\(|std::|printf\(|typedef )|std::\w+/
  ],
  ['php', /<\?php|^\s*\$\w+\s*=|\becho \$|->\w+\(.*\);$/],
  ['ruby', /^\s*(?:require ['"]|def \w+[?!]?(?:\(.*\))?$|end$|puts |attr_accessor |module [A-Z]\w+$)|\bdo \|\w+\|/],
  [
    'sql',
    /^\s*(?:select\b.+(?:\bfrom\b|,$)|from \w+|insert into \w+|update \w+ set|delete from \w+|create (?:table|index)|alter table|(?:left |inner )?join \w+|where \w+\s*[=<>]|group by |order by )/i
  ],
  [
    'shell',
    /^\s*(?:#!\/|\$ \w+|sudo |apt(?:-get)? |export \w+=|echo ["$]|cd [./~]|curl -|for \w+ in .*; do|if \[|fi$|done$|chmod |grep -)/
  ],
  [
    'html',
    /^\s*<(?:!doctype|\/?(?:html|head|body|div|span|p|a|ul|li|table|script|style|form|input|button|h[1-6])\b)[^>]*>/i
  ],
  ['css', /^\s*[.#]?[\w-]+(?::[\w-]+)?\s*\{$|^\s*[\w-]+:\s*[^;{}]+;$/],
  [
    'javascript',
    /^\s*(?:(?:export )?(?:const|let|var) [\w{[].* ?=|(?:export )?(?:default )?(?:async )?function\b|import .* from ['"]|export \w|console\.\w+\(|require\(|interface \w+ ?\{|type \w+ ?=)|=>\s*[\w({[]|\bawait \w+/
  ]
]
/** What any language may have, beside those. */
const ANY =
  /[;{}]\s*$|^\s*[})\]]+[;,]?\s*$|^\s{2,}\S.*[({[:,]$|^\s*\/\/ |^\s*\w[\w.[\]]*\s*[+\-*/|&]?=\s*\S+.*\S$|^\s*\w[\w.]*\(.*\)\s*$|^\s*(?:return|break|continue|throw)\b.*$|^\s*(?:\} ?)?(?:if|for|while|switch|catch|else if) ?\(.+\)/
/** What prose has. */
const PROSE = /^\s*(?:[-*] )?[A-Z\p{Lu}][^=(){};]*[.!?:]\s*$/u

const FENCE = /^[ \t]{0,3}(```|~~~)[`~]{0,20}[ \t]*([\w+#-]{0,30})/
const LINE_UNITS_MAX = 200

/** All programs of at least so many lines. Linear in the length of the text. */
export function spotCode(text: string, linesMin: number): CodeSpot[] {
  const fenced = /```|~~~/.test(text) ? inFences(text, linesMin) : []
  const covered = fenced.map(({ fence }) => fence)
  return [...fenced.flatMap(({ spot }) => (spot ? [spot] : [])), ...inLines(text, linesMin, covered)].sort(
    (one, other) => one.start - other.start
  )
}

interface Range {
  start: number
  end: number
}

function inFences(text: string, linesMin: number): { fence: Range; spot: CodeSpot | undefined }[] {
  const found: { fence: Range; spot: CodeSpot | undefined }[] = []
  let open: { mark: string; name: string; start: number; lines: string[] } | undefined
  const close = (end: number) => {
    if (!open) return
    const { name, start, lines } = open
    const language = ALIASES[name] ?? languageOf(lines)
    // A fence without a name may hold anything.
    const isTold =
      name !== '' || language !== 'unknown' || lines.filter(line => ANY.test(line)).length > lines.length / 2
    const isCode = lines.length >= linesMin && !NO_CODE.has(name) && isTold
    const fence = { start, end }
    found.push({ fence, spot: isCode ? { ...fence, language, score: 0.95 } : undefined })
    open = undefined
  }
  let at = 0
  for (const line of text.split('\n')) {
    const start = at
    at += line.length + 1
    const [, mark, name = ''] = FENCE.exec(line.slice(0, LINE_UNITS_MAX)) ?? []
    if (!open && mark) open = { mark, name: name.toLowerCase(), start, lines: [] }
    else if (open && mark === open.mark && name === '') close(at - 1)
    else if (open && line.trim() !== '') open.lines.push(line.slice(0, LINE_UNITS_MAX))
  }
  close(text.length)
  return found
}

/** Runs of lines that look like a program; an empty line ends none. */
function inLines(text: string, linesMin: number, covered: readonly Range[]): CodeSpot[] {
  const found: CodeSpot[] = []
  let run: { start: number; end: number; lines: string[] } | undefined
  const close = () => {
    if (run && run.lines.length >= linesMin) {
      const language = languageOf(run.lines)
      const marked = run.lines.filter(line => MARKS.some(([, mark]) => mark.test(line))).length
      // Lists and tables end lines with signs too: something must be of a language.
      if (marked > 0) found.push({ start: run.start, end: run.end, language, score: marked > 1 ? 0.9 : 0.6 })
    }
    run = undefined
  }
  let at = 0
  let next = 0
  for (const line of text.split('\n')) {
    const [start, end] = [at, at + line.length]
    at = end + 1
    while (next < covered.length && covered[next]!.end <= start) next++
    const isCovered = next < covered.length && covered[next]!.start < Math.max(end, start + 1)
    if (isCovered) close()
    else if (line.trim() === '') continue
    else if (isCodeLine(line.slice(0, LINE_UNITS_MAX))) {
      run ??= { start, end, lines: [] }
      run.end = end
      run.lines.push(line.slice(0, LINE_UNITS_MAX))
    } else close()
  }
  close()
  return found
}

function isCodeLine(line: string): boolean {
  if (PROSE.test(line)) return false
  return ANY.test(line) || MARKS.some(([, mark]) => mark.test(line))
}

function languageOf(lines: readonly string[]): string {
  let best = { language: 'unknown', hits: 0 }
  for (const [language, mark] of MARKS) {
    const hits = lines.filter(line => mark.test(line.slice(0, LINE_UNITS_MAX))).length
    if (hits > best.hits) best = { language, hits }
  }
  return best.language
}
