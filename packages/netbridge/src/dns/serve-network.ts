import { NetbridgeError } from '../errors.js'
import type { NetworkRecord } from '../state/network-record.js'
import type { DnsOptions, DnsServer } from './dns-server.js'
import type { NameTable } from './name-table.js'
import { openDnsSockets, type DnsSockets } from './sockets.js'

/** Serves the names of a network at the address of its bridge. */
export async function serveNetwork(
  { bridge, gateway: address, subnet: askers, name }: NetworkRecord,
  names: () => NameTable,
  options: DnsOptions,
): Promise<DnsServer> {
  if (bridge === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_INVALID_ARG',
      `cannot serve names at the bridge of network ${name}: it has none; use serveContainerDns()`,
    )
  }
  const { DnsServer } = await import('./dns-server.js') // with what a program without names does not need
  const open = (port: number): DnsSockets => openDnsSockets(address, port)
  return await DnsServer.start({ address, askers, tables: () => [names()], open }, options)
}
