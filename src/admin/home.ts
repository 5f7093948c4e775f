import type { CallRecord } from '../stages/call-record.ts'
import { curl, type Welcome, welcomeLines } from './welcome.ts'

export interface Home extends Welcome {
  /** The last calls, newest first; undefined where strangers may see this page. */
  recent: readonly CallRecord[] | undefined
  version: string
}

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1d232a; background: #fbfbf9 }
  h1 { font-size: 1.5rem } h2 { font-size: 1.05rem; margin-top: 2rem }
  pre { background: #1d232a; color: #e9e6dd; padding: .75rem 1rem; border-radius: 6px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
  table { border-collapse: collapse; width: 100%; font-size: .9rem } td, th { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #dedbd2 }
  .found { color: #17663a } .missing { color: #7a5a12 } code { background: #efede6; padding: 0 .25em; border-radius: 3px }`

/** May load nothing and run nothing: every text on it may come from a stranger's request. */
export const HOME_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** `GET /`: what a person needs in the first five minutes (D36). One static page, no scripts. */
export function homePage(home: Home): string {
  const [where, , attempt] = welcomeLines(home)
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Gatehouse</title><style>${STYLE}
</style>
<h1>Gatehouse ${html(home.version)}</h1>
<p>${html(where)}</p>
<h2>Try it</h2>
<pre>${html(attempt.replace(/^Try: /, ''))}</pre>
${doors(home)}
<h2>Providers</h2>
<table>
${home.found.map(name => `<tr><td class="found">found</td><td>${html(name)}</td><td></td></tr>`).join('\n')}
${home.missing.map(missingRow).join('\n')}
</table>
${home.recent ? recentTable(home.recent) : ''}
</html>
`
}

function doors(home: Home): string {
  const messages = [{ role: 'user', content: 'Hello' }]
  const { url, keys, model } = home
  const examples = [
    [
      'OpenAI chat, streamed',
      curl({ url, keys, path: '/v1/chat/completions', body: { model, stream: true, messages } })
    ],
    ['OpenAI responses', curl({ url, keys, path: '/v1/responses', body: { model, input: 'Hello' } })],
    ['Anthropic messages', curl({ url, keys, path: '/v1/messages', body: { model, max_tokens: 200, messages } })],
    ['Anthropic token count', curl({ url, keys, path: '/v1/messages/count_tokens', body: { model, messages } })],
    [
      'Gemini',
      curl({
        url,
        keys,
        path: `/v1beta/models/${model}:generateContent`,
        body: { contents: [{ parts: [{ text: 'Hello' }] }] }
      })
    ],
    ['Embeddings', curl({ url, keys, path: '/v1/embeddings', body: { model, input: 'Hello' } })],
    ['Models', `curl ${url}/v1/models${keys ? ' -H "authorization: Bearer $GATEHOUSE_KEY"' : ''}`]
  ] as const
  return examples.map(([title, command]) => `<h2>${html(title)}</h2>\n<pre>${html(command)}</pre>`).join('\n')
}

function missingRow({ name, variables }: Home['missing'][number]): string {
  const wanted =
    variables.length > 0
      ? `set <code>${variables.map(html).join('</code> or <code>')}</code>`
      : 'name it in the configuration'
  return `<tr><td class="missing">not found</td><td>${html(name)}</td><td>${wanted}</td></tr>`
}

function recentTable(recent: readonly CallRecord[]): string {
  const rows = recent.map(record => {
    const cells = [
      new Date(record.atMs).toISOString().slice(11, 19),
      String(record.status),
      record.modelAsked,
      record.answered ? `${record.answered.provider}/${record.answered.model}` : (record.failure?.code ?? ''),
      record.stream ? 'stream' : 'whole',
      `${record.totalMs.toFixed(0)} ms`,
      record.usage ? `${record.usage.inputTokens ?? '?'} → ${record.usage.outputTokens ?? '?'} tokens` : ''
    ]
    return `<tr>${cells.map(cell => `<td>${html(cell)}</td>`).join('')}</tr>`
  })
  return `<h2>Last calls</h2>\n<table>\n${rows.join('\n') || '<tr><td>none yet</td></tr>'}\n</table>`
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
