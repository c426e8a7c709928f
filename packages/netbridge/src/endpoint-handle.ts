import type { OpenNetwork } from './network-context.js'
import type { Bandwidth } from './bandwidth.js'
import type { DetachOptions, Endpoint, EndpointInfo } from './endpoint.js'
import { changeBandwidth } from './endpoint-bandwidth.js'
import { endpointStats, type LinkStats } from './link-stats.js'
import { holdingsOf, releaseHoldings } from './release.js'

/**
 * What can be done with an endpoint, whichever process attached it.
 *
 * @param checkOpen - Throws when the network was closed.
 */
export function endpointHandle(network: OpenNetwork, info: EndpointInfo, checkOpen: () => void): Endpoint {
  const detach = (options: DetachOptions = {}): void => {
    checkOpen()
    // somebody else may have taken it away meanwhile, and attached another one of that id
    const current = network.endpoints.get(info.id)
    if (current?.address !== info.address) return
    releaseHoldings(network, holdingsOf(current), options)
  }
  const stats = (): LinkStats => {
    checkOpen()
    return endpointStats(network.route, info)
  }
  const setBandwidth = (bandwidth: Bandwidth): Bandwidth | undefined => {
    checkOpen()
    return changeBandwidth(network, info.id, bandwidth).bandwidth
  }
  return { ...info, detach, stats, setBandwidth, [Symbol.dispose]: () => detach() }
}
