/**
 * What `--break` measures in the gateway's place: a proxy as one writes it in an afternoon, on node:http, JSON.parse,
 * fetch and web streams. It answers correctly, and must miss the goals. Takes the upstream's base URL and credential.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

const [baseUrl, key] = process.argv.slice(2)

async function forward(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  const body = JSON.parse(text)
  body.model = String(body.model).slice(String(body.model).indexOf('/') + 1)
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const answer = await fetch(`${baseUrl}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) })
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' })
  // Each chunk is decoded, looked at and encoded again, which is what such a proxy does to find the usage.
  const decoder = new TextDecoder()
  for await (const part of answer.clone().body ?? []) {
    const chunk = decoder.decode(part, { stream: true })
    for (const line of chunk.split('\n')) readUsage(line)
    response.write(chunk)
  }
  await answer.text()
  response.end()
}

function readUsage(line: string): unknown {
  try {
    return JSON.parse(line.replace(/^data: /, '')).usage
  } catch {
    return undefined
  }
}

const server = http.createServer((request, response) => {
  forward(request, response).catch(error => response.writeHead(502).end(String(error)))
})
server.listen(0, '127.0.0.1', () => {
  console.log(`wasteful listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
