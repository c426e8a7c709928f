import { formatIp, parseIp } from './address/ip.js'
import { isNetbridgeError, NetbridgeError } from './errors.js'
import type { PortReservations } from './port-reservations.js'
import type { PortMapping, PublishedPort } from './ports.js'
import type { PortClaims } from './state/port-claims.js'
import { checkInteger } from './validate.js'

/** How many free ports of the kernel's choice are tried before giving up. */
const CHOICES = 64

/** A port that is wanted: 0 is any, and up to `hostTo` each will do. */
export interface WantedPort extends PublishedPort {
  readonly hostTo: number
}

/** Fills in defaults, takes ranges apart, and refuses what cannot be published. */
export function checkMappings(mappings: readonly PortMapping[]): WantedPort[] {
  return mappings.flatMap(
    ({ host = 0, hostTo = host, container, count = 1, protocol = 'tcp', hostIp = '0.0.0.0' }) => {
      if (!['tcp', 'udp', 'sctp'].includes(protocol))
        throw invalid(`${JSON.stringify(protocol)}: it must be "tcp", "udp" or "sctp"`)
      const address = parseIp(hostIp)
      if (address === undefined) throw invalid(`on ${JSON.stringify(hostIp)}: it is no IP address`)
      checkInteger('number of ports', count, 1, 65_535)
      checkInteger('container port', container, 1, 65_536 - count)
      checkInteger('host port', host, 0, host === 0 ? 0 : 65_536 - count)
      checkInteger('last host port', hostTo, host, host === 0 ? 0 : 65_535)
      if (count > 1 && hostTo !== host) throw invalid(`${count} ports on any of several: name the first`)
      return Array.from({ length: count }, (_, index) => ({
        host: host === 0 ? 0 : host + index,
        hostTo: host === 0 ? 0 : hostTo + index,
        container: container + index,
        protocol,
        hostIp: formatIp(address),
      }))
    },
  )
}

/** Where ports are claimed from other networks, and held against other programs. */
export interface PortHolder {
  readonly claims: PortClaims
  readonly reservations: PortReservations
  /** Who publishes. */
  readonly owner: string
  /** IPv6 address of the container, if it has one. */
  readonly address6: string | undefined
}

/**
 * Claims ports of the host for an endpoint and holds them: all or none.
 *
 * @returns The ports, those that were open filled in.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PORT_TAKEN`, `ERR_NETBRIDGE_POOL_EXHAUSTED`,
 *   `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function claimPorts(holder: PortHolder, ports: readonly WantedPort[]): PublishedPort[] {
  const claimed: PublishedPort[] = []
  try {
    for (const { hostTo, ...port } of ports) {
      if (port.hostIp.includes(':') && holder.address6 === undefined)
        throw invalid(`on [${port.hostIp}]: the container has no IPv6 address`)
      if (port.host === 0) claimed.push(claimFreePort(holder, port))
      else claimed.push(claimOneOf(holder, port, hostTo))
    }
    return claimed
  } catch (error) {
    releasePorts(holder, claimed)
    throw error
  }
}

/** Gives ports back. */
export function releasePorts(
  { claims, reservations, owner }: Omit<PortHolder, 'address6'>,
  ports: readonly PublishedPort[],
): void {
  for (const port of ports) {
    reservations.release(port)
    claims.release(port, owner)
  }
}

function claimOneOf(holder: PortHolder, port: PublishedPort, last: number): PublishedPort {
  for (let host = port.host; ; host++) {
    try {
      return claimPort(holder, { ...port, host })
    } catch (error) {
      if (!isTaken(error) || host >= last) throw error
    }
  }
}

function claimPort(
  { claims, reservations, owner, address6 }: PortHolder,
  port: PublishedPort,
): PublishedPort {
  const other = claims.claim(port, owner)
  if (other !== undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_PORT_TAKEN',
      `cannot publish ${port.hostIp}:${port.host}/${port.protocol}: address already in use by endpoint ${other}`,
    )
  }
  try {
    reservations.hold(port, address6)
    return port
  } catch (error) {
    claims.release(port, owner)
    throw error
  }
}

function claimFreePort(holder: PortHolder, port: PublishedPort): PublishedPort {
  const { claims, reservations, owner, address6 } = holder
  let cause: unknown
  for (let choice = 0; choice < CHOICES; choice++) {
    try {
      // SCTP may be something that only containers speak: then any number of TCP's will do
      let host = reservations.hold(port, address6)
      if (host === 0) host = freeNumber(reservations, port)
      const chosen = { ...port, host }
      if (claims.claim(chosen, owner) === undefined) return chosen
      reservations.release(chosen)
    } catch (error) {
      if (!isTaken(error)) throw error
      cause = error
    }
  }
  throw new NetbridgeError(
    'ERR_NETBRIDGE_POOL_EXHAUSTED',
    `cannot publish on ${port.hostIp}: no free ${port.protocol} port in net.ipv4.ip_local_port_range`,
    { cause },
  )
}

function freeNumber(reservations: PortReservations, port: PublishedPort): number {
  const stand = { ...port, protocol: 'tcp' } as const
  const host = reservations.hold(stand, undefined)
  reservations.release({ ...stand, host })
  return host
}

function isTaken(error: unknown): boolean {
  return isNetbridgeError(error) && error.code === 'ERR_NETBRIDGE_PORT_TAKEN'
}

function invalid(why: string): NetbridgeError {
  return new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', `cannot publish ${why}`)
}
