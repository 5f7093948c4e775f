/**
 * The upstream of every benchmark: a program that answers `POST /v1/chat/completions` with fixed bytes, whole at once
 * or as a stream of an event every 10 ms. It refuses (400) what a correct proxy would not have sent: another path,
 * model or credential. Prints `mock listens on http://127.0.0.1:PORT`.
 */
import net from 'node:net'
import { MessageReader } from './messages.ts'
import { MODEL, STREAM_EVENTS, UPSTREAM_KEY, WHOLE_ANSWER } from './payloads.ts'

const EVENT_EVERY_MS = 10

const WHOLE = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${WHOLE_ANSWER.length}\r\n\r\n`),
  WHOLE_ANSWER
])
const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n'
)
const STREAM_CHUNKS = STREAM_EVENTS.map(event =>
  Buffer.concat([Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from('\r\n')])
)
const STREAM_END = Buffer.from('0\r\n\r\n')

function serve(socket: net.Socket): void {
  let head = ''
  let body: Buffer[] = []
  let pace: NodeJS.Timeout | undefined
  const stream = () => {
    let next = 1
    socket.write(Buffer.concat([STREAM_HEAD, STREAM_CHUNKS[0]!]))
    pace = setInterval(() => {
      socket.write(STREAM_CHUNKS[next++]!)
      if (next < STREAM_CHUNKS.length) return
      clearInterval(pace)
      socket.write(STREAM_END)
    }, EVENT_EVERY_MS)
  }
  const reader = new MessageReader({
    head: text => {
      head = text
      body = []
    },
    body: part => void body.push(part),
    end: () => {
      const sent = Buffer.concat(body)
      const wrong = refusal(head, sent)
      if (wrong !== undefined) refuse(socket, wrong)
      else if (wantsStream(sent)) stream()
      else socket.write(WHOLE)
    }
  })
  socket.on('data', bytes => reader.push(bytes))
  socket.on('close', () => clearInterval(pace))
  socket.on('error', () => socket.destroy())
}

function refusal(head: string, body: Buffer): string | undefined {
  if (!/^POST (?:\/v1)?\/chat\/completions HTTP\/1\.1\r\n/.test(head))
    return `not a path of mine: ${head.split('\r\n')[0]}`
  if (!head.includes(`Bearer ${UPSTREAM_KEY}`)) return 'not the credential of the upstream'
  if (!body.includes(`"model":"${MODEL}"`)) return 'not the model of the upstream'
  return undefined
}

/** The member stands at either end of the body; looking through 500 KB for it would cost more than the answer. */
function wantsStream(body: Buffer): boolean {
  const near = 2_048
  return body.subarray(0, near).includes('"stream":true') || body.subarray(-near).includes('"stream":true')
}

function refuse(socket: net.Socket, message: string): void {
  const body = JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } })
  const length = Buffer.byteLength(body)
  socket.write(`HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`)
}

const server = net.createServer({ noDelay: true }, serve)
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as net.AddressInfo
  console.log(`mock listens on http://127.0.0.1:${port}`)
})
