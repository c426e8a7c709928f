import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { PortMapping, PublishedPort } from '@ctr/netbridge'
import { RuntimeError } from '../errors.js'

/**
 * Looks whether a port of the host can be published, and takes a free one where none is asked for. The program that
 * publishes it may not say when it cannot.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_PORT_TAKEN`, also for one that only root may take.
 */
export async function choosePort(mapping: PortMapping): Promise<PublishedPort> {
  const { host = 0, hostTo = host, container, count = 1, protocol = 'tcp', hostIp = '0.0.0.0' } = mapping
  if (protocol === 'sctp' || hostTo !== host || count !== 1) {
    throw new RuntimeError(
      'ERR_RUNTIME_UNSUPPORTED',
      `cannot publish ${hostIp}:${host}/${protocol}: an ordinary user publishes single ports of TCP and UDP only`,
    )
  }
  try {
    const taken = protocol === 'tcp' ? await bindTcp(host, hostIp) : await bindUdp(host, hostIp)
    return { host: taken, container, protocol, hostIp }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why =
      code === 'EACCES'
        ? 'an ordinary user may take ports from net.ipv4.ip_unprivileged_port_start on, by default 1024'
        : code === 'EADDRINUSE'
          ? 'address already in use'
          : String(cause)
    throw new RuntimeError('ERR_RUNTIME_PORT_TAKEN', `cannot publish ${hostIp}:${host}/${protocol}: ${why}`, {
      cause,
    })
  }
}

async function bindTcp(wanted: number, address: string): Promise<number> {
  const server = createServer().listen(wanted, address)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function bindUdp(wanted: number, address: string): Promise<number> {
  const socket = createSocket('udp4').bind(wanted, address)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(resolve))
  return port
}
