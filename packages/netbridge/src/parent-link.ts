import { AF_INET, AF_INET6 } from '@ctr/linux'
import { formatIp, ipOf } from './address/ip.js'
import { findLink, unless } from './bridge.js'
import { NetbridgeError } from './errors.js'
import { IFA_ADDRESS, IFA_LOCAL } from './netlink/constants.js'
import { getAddresses, readAddress } from './netlink/copied-address.js'
import { deleteLink, setLinkUp } from './netlink/link-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'
import { newVlan } from './netlink/stacked-links.js'
import type { InstanceState } from './state/instance-state.js'
import type { NetworkRecord } from './state/network-record.js'

/** What the name of a VLAN says, as `eth0.10`; undefined for other names. */
export function parseVlan(name: string): { readonly base: string; readonly id: number } | undefined {
  const [, base, digits] = /^(.+)\.([1-9][0-9]{0,3})$/.exec(name) ?? []
  const id = Number(digits)
  return base === undefined || id > 4094 ? undefined : { base, id }
}

/**
 * Finds the link that a network of the driver macvlan or ipvlan stands on, making it when it is a VLAN that is not
 * there.
 *
 * @returns Its index.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`: there is none.
 */
export function ensureParent(socket: NetlinkSocket, parent: string): number {
  const link = findLink(socket, parent) ?? makeVlan(socket, parent)
  if (!link.up) exchangeRoute(socket, [setLinkUp(link.index, parent)])
  return link.index
}

function makeVlan(socket: NetlinkSocket, name: string): { readonly index: number; readonly up: boolean } {
  const vlan = parseVlan(name)
  const base = vlan === undefined ? undefined : findLink(socket, vlan.base)
  if (vlan === undefined || base === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_NOT_FOUND',
      `cannot use ${name} as parent: the host has no link ${vlan?.base ?? name}`,
    )
  }
  unless(socket, 'EEXIST', newVlan(base.index, name, vlan.id))
  return findLink(socket, name)!
}

/** Whether a parent is one that was made for networks: by this one, or by another that is there already. */
export function isMadeParent(state: InstanceState, socket: NetlinkSocket, parent: string): boolean {
  if (findLink(socket, parent) === undefined) return true
  return state.networks().some(({ info }) => info.parent === parent && info.madeParent === true)
}

/** Deletes the VLAN that a network stands on, if it was made for networks and no other network needs it. */
export function dropParent(state: InstanceState, socket: NetlinkSocket, { name, info }: NetworkRecord): void {
  const { parent, madeParent } = info
  if (parent === undefined || madeParent !== true) return
  if (state.networks().some((other) => other.name !== name && other.info.parent === parent)) return
  unless(socket, 'ENODEV', deleteLink(parent))
}

/** Addresses of the host itself, as text: they may lie in the subnet of the parent. */
export function hostAddresses(socket: NetlinkSocket): string[] {
  return [AF_INET, AF_INET6]
    .flatMap((family) => exchangeRoute(socket, [getAddresses(family)]).map(readAddress))
    .flatMap(({ attributes }) => {
      const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS)
      return bytes === undefined ? [] : formatIp(ipOf(bytes))
    })
}
