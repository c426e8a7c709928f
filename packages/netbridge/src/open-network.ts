import { checkPlan, describePlan, type AddressPlan } from './address/plan.js'
import { formatIp, formatIpSubnet, type IpSubnet } from './address/ip.js'
import { describeNetwork, enableForwarding, ensureBridge, findLink, unless } from './bridge.js'
import { NetbridgeError } from './errors.js'
import type { NetworkInfo } from './network-info.js'
import { deleteLink } from './netlink/link-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { ensureVxlan, vxlanName } from './overlay/vxlan-link.js'
import { dropParent, ensureParent, isMadeParent } from './parent-link.js'
import { removeFile } from './state/files.js'
import type { InstanceState } from './state/instance-state.js'
import {
  hasBridge,
  isBridge,
  recordOf,
  type BridgeRecord,
  type NetworkRecord,
} from './state/network-record.js'
import {
  chooseSubnet,
  chooseUniqueLocal,
  conflictingRoute,
  hostRoutes,
  subnetConflict,
  type HostRoute,
} from './subnet-choice.js'
import { newNetworkId, type WantedNetwork } from './wanted.js'

/** A network whose bridge, or whatever it stands on, is there. */
export interface OpenedNetwork {
  readonly record: NetworkRecord
  /** Index of its bridge, or of the parent. */
  readonly linkIndex: number
  /** True when there was no such network before. */
  readonly made: boolean
}

/** How often another subnet is chosen when others take the same one at the same moment. */
const CHOICES = 16

/**
 * Makes what a recorded network stands on, if that is not there: after a reboot nothing is. Nobody else may do so at
 * the same time.
 */
export function reopenNetwork(socket: NetlinkSocket, record: NetworkRecord): OpenedNetwork {
  if (isBridge(record) && findLink(socket, record.bridge) === undefined) {
    for (const { subnet } of plansOf(record)) {
      const conflict = conflictingRoute(hostRoutes(socket, subnet.family), subnet)
      if (conflict !== undefined) throw subnetConflict(subnet, conflict)
    }
  }
  return { record, linkIndex: makeLinks(socket, record), made: false }
}

/** Records a new network and makes what it stands on, or nothing at all. Nobody else may do so at the same time. */
export function makeNetwork(
  state: InstanceState,
  socket: NetlinkSocket,
  wanted: WantedNetwork,
): OpenedNetwork {
  const refused = state.networks().flatMap((other) => plansOf(other).map(({ subnet }) => subnet))
  const known = refused.length
  while (true) {
    const record = planNetwork(state, socket, wanted, refused)
    if (record.bridge !== undefined && findLink(socket, record.bridge) !== undefined) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_EXISTS',
        `cannot make bridge ${record.bridge}: a link of that name exists and belongs to no network of this state folder`,
      )
    }
    if (!state.addRecord(record)) {
      throw new NetbridgeError('ERR_NETBRIDGE_EXISTS', `cannot make network ${record.name}: it exists`)
    }
    let conflict: [IpSubnet, HostRoute] | undefined
    try {
      const linkIndex = makeLinks(socket, record)
      // somebody else may have taken the same subnet since we looked: of two at least one sees the other
      conflict = isBridge(record) ? conflictOf(socket, record, linkIndex) : undefined
      if (conflict === undefined) return { record, linkIndex, made: true }
    } catch (error) {
      dropNetwork(state, socket, record)
      throw error
    }
    dropNetwork(state, socket, record)
    refused.push(conflict[0])
    if (wanted.ipv4 !== undefined || refused.length === known + CHOICES) throw subnetConflict(...conflict)
  }
}

/** What a new network will be: everything that was left open is chosen. */
function planNetwork(
  state: InstanceState,
  socket: NetlinkSocket,
  { options, name, driver, ipv4, ipv6, wantsIpv6, id = newNetworkId(), overlay }: WantedNetwork,
  refused: readonly IpSubnet[],
): NetworkRecord {
  const before = hostRoutes(socket, 4)
  const first = ipv4 ?? checkPlan({ subnet: formatIpSubnet(chooseSubnet(before, refused)) })
  const chosen6 = ipv6 ?? checkPlan({ subnet: formatIpSubnet(chooseUniqueLocal()) })
  const plans = wantsIpv6 ? [first, chosen6] : [first]
  // the subnet of macvlan and ipvlan is that of the parent: the host has a route to it
  if (hasBridge(driver))
    refuseConflicts(state, [before, wantsIpv6 ? hostRoutes(socket, 6) : []].flat(), plans)
  const info: NetworkInfo = {
    id,
    name,
    driver,
    createdAt: new Date().toISOString(),
    subnets: plans.map((plan) => describePlan(plan, auxOf(options.subnets, plan))),
    internal: options.internal ?? false,
    attachable: options.attachable ?? true,
    mtu: options.mtu,
    icc: options.icc ?? true,
    masquerade: options.masquerade ?? true,
    ...(options.hostIp === undefined ? {} : { hostIp: options.hostIp }),
    labels: options.labels ?? {},
    ...(hasBridge(driver) ? { bridge: options.bridge ?? `br-${id.slice(0, 12)}` } : {}),
    ...(overlay === undefined ? {} : { overlay }),
    ...(driver === 'macvlan' ? { mode: options.mode ?? 'bridge' } : {}),
    ...(driver === 'ipvlan' ? { mode: options.mode ?? 'l2' } : {}),
    ...(options.parent === undefined
      ? {}
      : { parent: options.parent, madeParent: isMadeParent(state, socket, options.parent) }),
  }
  return recordOf(info)
}

function auxOf(subnets: WantedNetwork['options']['subnets'], { subnet }: AddressPlan): NetworkInfo['labels'] {
  const named = subnets?.find((wanted) => wanted.subnet === formatIpSubnet(subnet))
  return named?.aux ?? {}
}

/** Networks that are described but not there, as after a reboot, count as well as routes. */
function refuseConflicts(
  state: InstanceState,
  routes: readonly HostRoute[],
  plans: readonly AddressPlan[],
): void {
  const recorded = state
    .bridges()
    .flatMap(plansOf)
    .map(({ subnet }) => ({ subnet, interfaceIndex: undefined }))
  for (const { subnet } of plans) {
    const conflict = conflictingRoute([...routes, ...recorded], subnet)
    if (conflict !== undefined) throw subnetConflict(subnet, conflict)
  }
}

function conflictOf(
  socket: NetlinkSocket,
  record: NetworkRecord,
  linkIndex: number,
): [IpSubnet, HostRoute] | undefined {
  for (const { subnet } of plansOf(record)) {
    const route = conflictingRoute(hostRoutes(socket, subnet.family), subnet, linkIndex)
    if (route !== undefined) return [subnet, route]
  }
  return undefined
}

/** The address plans of a network: IPv4, then IPv6. */
export function plansOf({ ipv4, ipv6 }: NetworkRecord): AddressPlan[] {
  return ipv6 === undefined ? [ipv4] : [ipv4, ipv6]
}

function makeLinks(socket: NetlinkSocket, record: NetworkRecord): number {
  if (!isBridge(record)) return ensureParent(socket, record.info.parent ?? '')
  const index = ensureBridge(socket, record)
  enableForwarding(record)
  if (record.info.overlay !== undefined) ensureVxlan(socket, record, record.info.overlay, index)
  return index
}

/** Removes the record of a network that could not be made whole, and what was made for it. */
export function dropNetwork(state: InstanceState, socket: NetlinkSocket, record: NetworkRecord): void {
  removeFile(state.recordPath(record.name))
  dropParent(state, socket, record)
  if (isBridge(record) && findLink(socket, record.bridge)?.kind === 'bridge') dropBridge(socket, record)
}

/** Deletes the bridge of a network, and what joins it to other hosts. */
export function dropBridge(socket: NetlinkSocket, { bridge, info }: BridgeRecord): void {
  if (info.overlay !== undefined) unless(socket, 'ENODEV', deleteLink(vxlanName(info.id)))
  unless(socket, 'ENODEV', deleteLink(bridge))
}

/** Refuses a network that is there with other settings than those that are named. */
export function checkSame(found: NetworkRecord, { options, ipv4, driver }: WantedNetwork): void {
  const differs =
    driver !== found.info.driver ||
    (options.bridge !== undefined && options.bridge !== found.bridge) ||
    (ipv4 !== undefined && formatIpSubnet(ipv4.subnet) !== formatIpSubnet(found.ipv4.subnet)) ||
    (options.subnets?.[0]?.gateway !== undefined && ipv4?.gateway.value !== found.ipv4.gateway.value) ||
    (options.mtu !== undefined && options.mtu !== found.mtu)
  if (!differs) return
  const asked = [ipv4 && formatIpSubnet(ipv4.subnet), ipv4 && formatIp(ipv4.gateway), options.mtu]
  throw new NetbridgeError(
    'ERR_NETBRIDGE_SUBNET_CONFLICT',
    `cannot open ${describeNetwork(found)} with other settings (${asked.filter(Boolean).join(', ')}): remove it first`,
  )
}
