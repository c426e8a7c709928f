import type { OpenNetwork } from './network-context.js'
import { checkBandwidth, limitsOf, type Bandwidth } from './bandwidth.js'
import { findLink, reapedGroup, unless } from './bridge.js'
import type { EndpointInfo } from './endpoint.js'
import { NetbridgeError } from './errors.js'
import { deleteLink, setLinkDownInGroup } from './netlink/link-messages.js'
import { exchangeRoute } from './netlink/route-request.js'
import {
  limitRate,
  newIfb,
  receiveDirectly,
  redirectReceived,
  unlimitRate,
} from './netlink/traffic-control.js'

/** Name of the link that what a container sends is led through where that is limited, by the name of its veth. */
function ifbName(ifname: string): string {
  return ifname.replace(/^ctr/, 'cti')
}

/**
 * Gives an endpoint its limits in the kernel, whatever it had before. What the container receives is limited where the
 * host sends it, at the veth's end that the container cannot touch; what it sends where the host receives it: led
 * through an ifb, as only what is sent can wait.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_UNSUPPORTED`, `ERR_NETBRIDGE_KERNEL`: the kernel refuses; the limits may
 *   be there by half.
 */
export function applyBandwidth(network: OpenNetwork, ifname: string, bandwidth: Bandwidth): void {
  const { route, record } = network
  const { ingress, egress } = checkBandwidth(bandwidth)
  const veth = findLink(route, ifname)
  if (veth === undefined)
    throw new NetbridgeError('ERR_NETBRIDGE_NOT_FOUND', `cannot limit ${ifname}: there is no such link`)
  if (ingress === undefined) unlessAbsent(network, unlimitRate(veth.index, ifname))
  else exchangeRoute(route, [limitRate(veth.index, ifname, ingress)])
  if (egress === undefined) {
    unlessAbsent(network, receiveDirectly(veth.index, ifname))
    takeIfbDown(network, ifname)
    return
  }
  const name = ifbName(ifname)
  if (!unless(route, 'EEXIST', newIfb(name, record.mtu)) && findLink(route, name)?.up !== true) {
    exchangeRoute(route, [deleteLink(name)]) // of one that was detached a moment ago
    exchangeRoute(route, [newIfb(name, record.mtu)])
  }
  const ifb = findLink(route, name)!
  exchangeRoute(route, [limitRate(ifb.index, name, egress)])
  const [look, redirect] = redirectReceived(veth.index, ifname, ifb.index)
  if (unless(route, 'EEXIST', look!)) exchangeRoute(route, [redirect!])
}

/** A limit that is not there is reported so: `ENOENT`, or `EINVAL` for the root. */
function unlessAbsent({ route }: OpenNetwork, request: ReturnType<typeof unlimitRate>): void {
  try {
    exchangeRoute(route, [request])
  } catch (error) {
    const { errnoCode } = error as NetbridgeError
    if (errnoCode !== 'ENOENT' && errnoCode !== 'EINVAL') throw error
  }
}

/** Takes the ifb of an endpoint away, if it has one. It is deleted in the background. */
export function takeIfbDown({ route, record, reaper }: OpenNetwork, ifname: string): void {
  const request = setLinkDownInGroup(ifbName(ifname), reapedGroup(record.subnet))
  if (unless(route, 'ENODEV', request)) reaper.schedule()
}

/**
 * Changes the limits of an endpoint that is attached, in the records too; those of before stay when the kernel refuses.
 *
 * @returns The endpoint as it is now.
 */
export function changeBandwidth(network: OpenNetwork, id: string, bandwidth: Bandwidth): EndpointInfo {
  checkBandwidth(bandwidth)
  const { state, endpoints, record } = network
  return state.locked(() => {
    const before = endpoints.get(id)
    if (before?.ifname == null) {
      const why = before === undefined ? 'it is not there' : 'it has no end on the host'
      throw new NetbridgeError(
        before === undefined ? 'ERR_NETBRIDGE_NOT_FOUND' : 'ERR_NETBRIDGE_INVALID_ARG',
        `cannot limit ${id} on network ${record.name}: ${why}`,
      )
    }
    const after = { ...before, bandwidth: limitsOf(bandwidth) }
    // an ifb that is recorded and not there does no harm, one that is there and not recorded is never found
    const isRecordedFirst = bandwidth.egressRate !== undefined
    if (isRecordedFirst) endpoints.replace(after)
    try {
      applyBandwidth(network, before.ifname, bandwidth)
      if (!isRecordedFirst) endpoints.replace(after)
      return after
    } catch (error) {
      applyBandwidth(network, before.ifname, before.bandwidth ?? {})
      if (isRecordedFirst) endpoints.replace(before)
      throw error
    }
  })
}
