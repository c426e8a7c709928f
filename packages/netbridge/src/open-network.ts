import { formatIpv4, formatSubnet, type Subnet } from './address/ipv4.js'
import { describeNetwork, enableForwarding, ensureBridge, findLink } from './bridge.js'
import { NetbridgeError } from './errors.js'
import { deleteLink } from './netlink/link-messages.js'
import type { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'
import { removeFile } from './state/files.js'
import type { InstanceState } from './state/instance-state.js'
import { readNetworkRecord, writeNetworkRecord, type NetworkRecord } from './state/network-record.js'
import { chooseSubnet, conflictingRoute, hostRoutes, subnetConflict } from './subnet-choice.js'
import { checkGateway, checkInteger, checkInterfaceName, checkSubnet } from './validate.js'

/** What was asked for; what is unset may be anything. */
export interface WantedNetwork {
  readonly bridge: string
  readonly subnet: Subnet | undefined
  readonly gateway: number | undefined
  readonly mtu: number | undefined
}

/** A network whose bridge is there. */
export interface OpenedNetwork {
  readonly record: NetworkRecord
  readonly bridgeIndex: number
  /** True when there was no such network before. */
  readonly made: boolean
}

/** How often another subnet is chosen when others take the same one at the same moment. */
const CHOICES = 16

/** Reads what a caller wants. */
export function checkWanted(
  bridge: string,
  wanted: {
    readonly subnet?: string | undefined
    readonly gateway?: string | undefined
    readonly mtu?: number | undefined
  },
): WantedNetwork {
  const subnet = wanted.subnet === undefined ? undefined : checkSubnet(wanted.subnet)
  if (wanted.gateway !== undefined && subnet === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_INVALID_ARG',
      'cannot use a gateway without its subnet: name both',
    )
  }
  return {
    bridge: checkInterfaceName('bridge', bridge),
    subnet,
    gateway:
      wanted.gateway === undefined || subnet === undefined ? undefined : checkGateway(wanted.gateway, subnet),
    mtu: wanted.mtu === undefined ? undefined : checkInteger('mtu', wanted.mtu, 576, 65_535),
  }
}

/**
 * Finds the network that is recorded, or records a new one; then makes its bridge if that is not there.
 * Nobody else may do so at the same time.
 */
export function openNetwork(
  state: InstanceState,
  socket: NetlinkSocket,
  wanted: WantedNetwork,
): OpenedNetwork {
  const path = state.recordPath(wanted.bridge)
  const found = readNetworkRecord(path)
  if (found !== undefined) {
    checkSame(found, wanted)
    if (findLink(socket, wanted.bridge) === undefined) {
      const conflict = conflictingRoute(hostRoutes(socket), found.subnet)
      if (conflict !== undefined) throw subnetConflict(found.subnet, conflict)
    }
    return { record: found, bridgeIndex: makeBridge(socket, found), made: false }
  }
  if (findLink(socket, wanted.bridge) !== undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_EXISTS',
      `cannot make bridge ${wanted.bridge}: a link of that name exists and belongs to no network of this state folder`,
    )
  }
  return makeNetwork(state, socket, wanted)
}

function makeNetwork(state: InstanceState, socket: NetlinkSocket, wanted: WantedNetwork): OpenedNetwork {
  const refused: Subnet[] = []
  while (true) {
    const before = hostRoutes(socket)
    const subnet = wanted.subnet ?? chooseSubnet(before, refused)
    const known = conflictingRoute(before, subnet)
    if (known !== undefined) throw subnetConflict(subnet, known)
    const record = {
      bridge: wanted.bridge,
      subnet,
      gateway: wanted.gateway ?? subnet.base + 1,
      mtu: wanted.mtu,
    }
    writeNetworkRecord(state.recordPath(wanted.bridge), record)
    let conflict
    try {
      const bridgeIndex = makeBridge(socket, record)
      // somebody else may have taken the same subnet since we looked: of two at least one sees the other
      conflict = conflictingRoute(hostRoutes(socket), subnet, bridgeIndex)
      if (conflict === undefined) return { record, bridgeIndex, made: true }
    } catch (error) {
      dropNetwork(state, socket, wanted.bridge)
      throw error
    }
    dropNetwork(state, socket, wanted.bridge)
    refused.push(subnet)
    if (wanted.subnet !== undefined || refused.length === CHOICES) throw subnetConflict(subnet, conflict)
  }
}

function makeBridge(socket: NetlinkSocket, record: NetworkRecord): number {
  const index = ensureBridge(socket, record)
  enableForwarding(record.bridge)
  return index
}

/** Removes the record and the bridge of a network that could not be made whole. */
export function dropNetwork(state: InstanceState, socket: NetlinkSocket, bridge: string): void {
  removeFile(state.recordPath(bridge))
  if (findLink(socket, bridge)?.kind === 'bridge') exchangeRoute(socket, [deleteLink(bridge)])
}

function checkSame(found: NetworkRecord, wanted: WantedNetwork): void {
  const differs =
    (wanted.subnet !== undefined && formatSubnet(wanted.subnet) !== formatSubnet(found.subnet)) ||
    (wanted.gateway !== undefined && wanted.gateway !== found.gateway) ||
    (wanted.mtu !== undefined && wanted.mtu !== found.mtu)
  if (!differs) return
  const asked = [
    wanted.subnet && formatSubnet(wanted.subnet),
    wanted.gateway && formatIpv4(wanted.gateway),
    wanted.mtu,
  ]
  throw new NetbridgeError(
    'ERR_NETBRIDGE_SUBNET_CONFLICT',
    `cannot open ${describeNetwork(found)} with other settings (${asked.filter(Boolean).join(', ')}): remove it first`,
  )
}
