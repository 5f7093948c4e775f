/** The same answer to everything, by `node:http` alone: what no gateway on it can cost less than. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { WHOLE_ANSWER } from './payloads.ts'

const HEAD = { 'content-type': 'application/json', 'content-length': String(WHOLE_ANSWER.length) }

const server = http.createServer((request, response) => {
  request.resume()
  request.once('end', () => response.writeHead(200, HEAD).end(WHOLE_ANSWER))
})
server.listen(0, '127.0.0.1', () => {
  console.log(`constant listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
