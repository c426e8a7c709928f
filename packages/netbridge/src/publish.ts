import { isNetbridgeError, NetbridgeError } from './errors.js'
import { probeHostPort } from './host-port.js'
import type { PortMapping, PublishedPort } from './ports.js'
import type { PortClaims } from './state/port-claims.js'
import { checkInteger, checkIpv4 } from './validate.js'

/** How many free ports of the kernel's choice are tried before giving up. */
const CHOICES = 64

/** Fills in defaults and refuses what cannot be published. */
export function checkMappings(mappings: readonly PortMapping[]): PublishedPort[] {
  return mappings.map(({ host = 0, container, protocol = 'tcp', hostIp = '0.0.0.0' }) => {
    if (!['tcp', 'udp'].includes(protocol)) {
      const quoted = JSON.stringify(protocol)
      throw new NetbridgeError(
        'ERR_NETBRIDGE_INVALID_ARG',
        `cannot publish ${quoted}: it must be "tcp" or "udp"`,
      )
    }
    checkIpv4('host address', hostIp)
    return {
      host: checkInteger('host port', host, 0, 65_535),
      container: checkInteger('container port', container, 1, 65_535),
      protocol,
      hostIp,
    }
  })
}

/**
 * Claims ports of the host for an endpoint: all or none.
 *
 * @returns The ports, those that were 0 filled in.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PORT_TAKEN`, `ERR_NETBRIDGE_POOL_EXHAUSTED`,
 *   `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function claimPorts(
  claims: PortClaims,
  ports: readonly PublishedPort[],
  owner: string,
): PublishedPort[] {
  const claimed: PublishedPort[] = []
  try {
    for (const port of ports) claimed.push(claimPort(claims, port, owner))
    return claimed
  } catch (error) {
    for (const port of claimed) claims.release(port, owner)
    throw error
  }
}

function claimPort(claims: PortClaims, port: PublishedPort, owner: string): PublishedPort {
  if (port.host === 0) return claimFreePort(claims, port, owner)
  const other = claims.claim(port, owner)
  if (other !== undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_PORT_TAKEN',
      `cannot publish ${port.hostIp}:${port.host}/${port.protocol}: address already in use by endpoint ${other}`,
    )
  }
  try {
    probeHostPort(port)
    return port
  } catch (error) {
    claims.release(port, owner)
    throw error
  }
}

function claimFreePort(claims: PortClaims, port: PublishedPort, owner: string): PublishedPort {
  for (let choice = 0; choice < CHOICES; choice++) {
    const chosen = { ...port, host: chooseFreePort(port) }
    if (claims.claim(chosen, owner) === undefined) return chosen
  }
  throw exhausted(port)
}

function chooseFreePort(port: PublishedPort): number {
  try {
    return probeHostPort(port)
  } catch (error) {
    throw isNetbridgeError(error) && error.code === 'ERR_NETBRIDGE_PORT_TAKEN'
      ? exhausted(port, error)
      : error
  }
}

function exhausted({ hostIp, protocol }: PublishedPort, cause?: unknown): NetbridgeError {
  return new NetbridgeError(
    'ERR_NETBRIDGE_POOL_EXHAUSTED',
    `cannot publish on ${hostIp}: no free ${protocol} port in net.ipv4.ip_local_port_range`,
    { cause },
  )
}
