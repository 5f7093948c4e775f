import { Failure } from '../errors.ts'

/** Names that lead nowhere but to this machine; all of 127.0.0.0/8 does. */
const LOOPBACK_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

export interface OpenMode {
  /** The port we listen on, which `Host` must name. */
  port: number
  /** Origins of web pages that may call although no key is asked for. */
  allowedOrigins: readonly string[]
}

/**
 * Without keys, any web page the user visits could call us: its requests come from this machine. So the `Host` must be
 * a loopback name with our port (else a foreign name was pointed here, DNS rebinding), and an `Origin` must be listed
 * (D16). Returns the refusal, or undefined.
 */
export function refuseWebPage(headers: Readonly<Record<string, string>>, mode: OpenMode): Failure | undefined {
  const host = headers.host ?? ''
  const colon = host.lastIndexOf(':')
  const [name, port] = colon > host.lastIndexOf(']') ? [host.slice(0, colon), host.slice(colon + 1)] : [host, '80']
  if (!LOOPBACK_NAME.test(name) || port !== String(mode.port)) {
    return new Failure(
      'host_refused',
      `Without keys this gateway answers only as localhost:${mode.port}; the Host header says otherwise.`
    )
  }
  const origin = headers.origin
  if (origin === undefined || mode.allowedOrigins.includes(origin)) return undefined
  return new Failure(
    'origin_refused',
    'Without keys this gateway answers no web page; list its origin under "allowed_origins" to allow it.'
  )
}
