import { welcomeLines } from '../src/admin/welcome.ts'
import { resolveProviders } from '../src/providers/resolve.ts'

/** README.md with the three lines that a first start prints (D36). A test holds it fresh: `npm run docs`. */
export const PAGE_PATH = new URL('../README.md', import.meta.url)

export function readme(text: string): string {
  const { missing } = resolveProviders({}, {})
  const lines = welcomeLines({ url: 'http://127.0.0.1:8080', found: ['sim'], missing, model: 'sim/echo', keys: false })
  return text.replace(
    /<!-- welcome -->[\s\S]*?<!-- \/welcome -->/,
    `<!-- welcome -->\n\`\`\`\n${lines.join('\n')}\n\`\`\`\n<!-- /welcome -->`
  )
}
