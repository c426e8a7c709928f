import { AF_UNIX, getsockname } from '@ctr/linux'
import { ApiError, badRequest, messageOf } from '../errors.js'

/** Somewhere to listen. */
export type Host =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A socket that systemd has opened for us. */
  | { readonly kind: 'fd'; readonly fd: number; readonly isUnix: boolean }

/** The first descriptor of those that systemd passes, see sd_listen_fds(3). */
const firstFd = 3

/**
 * Reads an address: `unix:///path.sock`, `tcp://HOST:PORT`, `fd://` for all sockets of systemd, `fd://3` for one.
 *
 * @param env - Where systemd says which sockets it has passed.
 * @throws `ApiError` 400: another kind of address, or no such socket.
 */
export function parseHost(address: string, env: NodeJS.ProcessEnv = process.env): Host[] {
  const [, scheme, rest = ''] = /^(\w+):\/\/(.*)$/s.exec(address) ?? []
  switch (scheme) {
    case 'unix':
      if (rest.startsWith('/')) return [{ kind: 'unix', path: rest }]
      break
    case 'tcp': {
      const [, six, name, port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]*)):(\d{1,5})$/.exec(rest) ?? []
      const host = six ?? (name === '' ? '127.0.0.1' : name)
      if (host !== undefined && Number(port) <= 65_535) return [{ kind: 'tcp', host, port: Number(port) }]
      break
    }
    case 'fd':
      return passedSockets(address, rest, env)
  }
  throw badRequest(
    `cannot listen on ${address}: unix:///path.sock, tcp://HOST:PORT or fd:// (sockets of systemd) is needed`,
  )
}

/**
 * Reads where metrics are served: `HOST:PORT`, of which `:PORT` is this machine alone.
 *
 * @throws `ApiError` 400: it is no such address.
 */
export function parseMetricsAddress(address: string): Host {
  try {
    return parseHost(`tcp://${address}`)[0]!
  } catch (cause) {
    const message = `cannot serve metrics on ${address}: HOST:PORT is needed, as 127.0.0.1:9323`
    throw new ApiError(400, message, { cause })
  }
}

function passedSockets(address: string, wanted: string, env: NodeJS.ProcessEnv): Host[] {
  const count = Number(env['LISTEN_PID']) === process.pid ? Number(env['LISTEN_FDS']) : 0
  const all = Array.from({ length: count > 0 ? count : 0 }, (_, index) => firstFd + index)
  const fds = ['', '*'].includes(wanted) ? all : all.filter((fd) => String(fd) === wanted)
  if (fds.length === 0)
    throw badRequest(
      `cannot listen on ${address}: no sockets found via socket activation: make sure the service was started by systemd`,
    )
  return fds.map((fd) => ({ kind: 'fd', fd, isUnix: isUnixSocket(fd, address) }))
}

function isUnixSocket(fd: number, address: string): boolean {
  try {
    return getsockname(fd).readUInt16LE(0) === AF_UNIX
  } catch (error) {
    throw badRequest(`cannot listen on ${address}: descriptor ${fd} is no socket: ${messageOf(error)}`)
  }
}
