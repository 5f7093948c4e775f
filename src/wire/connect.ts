import { type LookupAddress, lookup } from 'node:dns'
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { allowed, privateAddress } from './ssrf.ts'
import { addressRefused } from './upstream-failure.ts'

export interface ConnectOptions {
  secure: boolean
  /** A name, or an IP address without brackets. */
  hostname: string
  port: number
  /** Host and port as people write it, for messages. */
  host: string
  allowPrivate: readonly string[]
  /** The ticket of an earlier TLS session, which saves a round trip. */
  session: Buffer | undefined
  /** Certificates to trust instead of the usual ones. */
  ca: string | undefined
}

/**
 * Opens a connection to a provider, TLS included, with the address guard: what the name resolves to is checked, and
 * those very addresses are connected to, so that a name cannot change its mind in between. `done` is called once,
 * never before `connect` returns; the socket is returned at once, so that it can be destroyed while it is on its way.
 * Sets no timeout: that is the caller's.
 */
export function connect(
  options: ConnectOptions,
  done: (error: Error | null, socket: Socket | null) => void
): Socket | undefined {
  const { secure, hostname, port, host, allowPrivate, session, ca } = options
  if (isIP(hostname) !== 0 && !allowed(hostname, allowPrivate)) {
    process.nextTick(done, addressRefused(host, hostname, privateAddress(hostname) as string), null)
    return undefined
  }
  const shared = {
    host: hostname,
    port,
    lookup: guardedLookup(host, allowPrivate),
    autoSelectFamily: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000
  }
  const socket = secure
    ? connectSecure({
        ...shared,
        servername: isIP(hostname) === 0 ? hostname : '',
        ALPNProtocols: ['http/1.1'],
        ...(session && { session }),
        ...(ca && { ca })
      })
    : connectPlain(shared)
  let settled = false
  const settle = (error: Error | null) => {
    if (settled) return
    settled = true
    done(error, error === null ? socket : null)
  }
  socket.once(secure ? 'secureConnect' : 'connect', () => settle(null))
  // Stays for the life of the socket: an error that nobody hears would end the process.
  socket.on('error', settle)
  socket.once('close', () => settle(new Error('closed before it was connected')))
  return socket
}

/** A name has several addresses: those that are allowed are tried, none that is not. */
function guardedLookup(host: string, allowPrivate: readonly string[]): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { family: options.family ?? 0, hints: options.hints ?? 0, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '')
        return
      }
      let usable: LookupAddress[]
      try {
        usable = addresses.filter(({ address }) => allowed(address, allowPrivate))
      } catch (thrown) {
        // A range that is none. Thrown from here it would end the process.
        callback(thrown as Error, '')
        return
      }
      const [first] = usable
      if (first === undefined) {
        const address = addresses[0]?.address ?? ''
        callback(addressRefused(host, address, privateAddress(address) ?? ''), '')
      } else if (options.all) callback(null, usable)
      else callback(null, first.address, first.family)
    })
  }
}
