import { defaultRoutes } from './attach.js'
import { findLink, unless } from './bridge.js'
import { NetbridgeError } from './errors.js'
import type { DefaultRouteOptions } from './netlink/address-messages.js'
import type { OpenNetwork } from './network-context.js'
import { routeSocketIn } from './network-namespace.js'

/** Makes a network the way out of a container that is on it. A route that is there stays, unless it is to be replaced. */
export function routeOut(
  { record, endpoints }: OpenNetwork,
  id: string,
  netnsFd: number,
  options: DefaultRouteOptions,
): void {
  using socket = routeSocketIn(netnsFd)
  const link = findLink(socket, endpoints.get(id)?.name ?? '-')
  if (link === undefined)
    throw new NetbridgeError('ERR_NETBRIDGE_NOT_FOUND', `cannot find ${id} on network ${record.name}`)
  for (const route of defaultRoutes(link.index, record, options)) unless(socket, 'EEXIST', route)
}
