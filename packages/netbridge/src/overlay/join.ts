import { randomBytes, randomInt } from 'node:crypto'
import { NETLINK_ROUTE } from '@ctr/linux'
import { formatIpSubnet, parseIpSubnet } from '../address/ip.js'
import { checkPlan, describePlan } from '../address/plan.js'
import { NetbridgeError } from '../errors.js'
import { NetlinkSocket } from '../netlink/netlink-socket.js'
import type { NetworkInfo, OverlayInfo } from '../network-info.js'
import { chooseSubnet, chooseUniqueLocal, hostRoutes } from '../subnet-choice.js'
import { newNetworkId, type WantedNetwork } from '../wanted.js'
import { keysOf, numberKey, parseDefinition, type OverlayDefinition } from './definition.js'
import { openStore } from './open-store.js'
import type { OverlayStore } from './store.js'
import { addressTowards, largestPacket } from './vxlan-link.js'

const DEFAULT_PORT = 4789
const DEFAULT_TTL_SECONDS = 30
/** Numbers below are often used by hand. */
const FIRST_VNI = 4096
const LAST_VNI = 2 ** 24 - 1
/** An address of nobody (RFC 5737), as any that the default route leads to. */
const ELSEWHERE = '198.51.100.1'

/** A network of the store that this host is about to be on. */
export interface JoinedOverlay {
  /** What the network is to be here: the store's word where it has one. */
  readonly wanted: WantedNetwork
  /** Takes back what was written for it; the network could not be made here. */
  readonly undo: () => Promise<void>
}

/**
 * Finds an overlay network in its store, or describes it there.
 *
 * @param taken - Subnets of other networks of this host.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_STORE`; `ERR_NETBRIDGE_SUBNET_CONFLICT`: the store has it with other
 *   settings; `ERR_NETBRIDGE_EXISTS`: another network has its number; `ERR_NETBRIDGE_INVALID_ARG`.
 */
export async function joinOverlay(
  wanted: WantedNetwork,
  taken: Parameters<typeof chooseSubnet>[1],
): Promise<JoinedOverlay> {
  const options = wanted.options.overlay!
  using store = openStore(options.store)
  const local = options.local ?? (await addressTowards(hostOf(options.store)))
  using socket = new NetlinkSocket(NETLINK_ROUTE)
  const largest = largestPacket(socket, local)
  const key = keysOf(wanted.name).definition
  const found = (await store.list(key)).entries.get(key)
  if (wanted.options.mtu !== undefined) checkFits(wanted.name, wanted.options.mtu, local, largest)
  const [definition, undo] =
    found === undefined
      ? await describe(store, wanted, plan(socket, wanted, taken, largest))
      : [parseDefinition(wanted.name, found), () => Promise.resolve()]
  checkAgrees(wanted, definition)
  checkFits(wanted.name, definition.mtu, local, largest)
  const host = randomBytes(8).toString('hex')
  const { vni, port } = definition
  const ttlSeconds = options.ttlSeconds ?? DEFAULT_TTL_SECONDS
  return {
    wanted: settled(wanted, definition, { store: options.store, vni, port, local, host, ttlSeconds }),
    undo,
  }
}

function hostOf(store: string): string {
  return /^etcds?:\/\/(\[[^\]]*\]|[^:,/?]+)/.exec(store)?.[1] ?? ELSEWHERE
}

function checkFits(name: string, mtu: number, local: string, largest: number): void {
  if (mtu <= largest) return
  throw new NetbridgeError(
    'ERR_NETBRIDGE_INVALID_ARG',
    `cannot have packets of ${mtu} bytes in network ${name}: the link of ${local} carries ${largest} of them, its own headers come to it`,
  )
}

function plan(
  socket: NetlinkSocket,
  { options, ipv4, ipv6, wantsIpv6 }: WantedNetwork,
  taken: Parameters<typeof chooseSubnet>[1],
  largest: number,
): Omit<OverlayDefinition, 'vni'> {
  const first = ipv4 ?? checkPlan({ subnet: formatIpSubnet(chooseSubnet(hostRoutes(socket, 4), taken)) })
  const second = ipv6 ?? checkPlan({ subnet: formatIpSubnet(chooseUniqueLocal()) })
  const auxOf = (subnet: string): NetworkInfo['labels'] =>
    options.subnets?.find((each) => each.subnet === subnet)?.aux ?? {}
  return {
    id: newNetworkId(),
    subnets: (wantsIpv6 ? [first, second] : [first]).map((each) =>
      describePlan(each, auxOf(formatIpSubnet(each.subnet))),
    ),
    mtu: options.mtu ?? largest,
    port: options.overlay?.port ?? DEFAULT_PORT,
    internal: options.internal ?? false,
    icc: options.icc ?? true,
    masquerade: options.masquerade ?? true,
  }
}

/** Writes it down with a number of its own; of several hosts at once one does, and the others take its word. */
async function describe(
  store: OverlayStore,
  { name, options }: WantedNetwork,
  planned: Omit<OverlayDefinition, 'vni'>,
): Promise<[OverlayDefinition, JoinedOverlay['undo']]> {
  const vni = await claimNumber(store, planned.id, options.overlay?.vni)
  const mine = JSON.stringify({ ...planned, vni })
  const { definition } = keysOf(name)
  const there = await store.create(definition, mine)
  if (there === mine) {
    const undo = async (): Promise<void> => {
      using again = openStore(options.overlay!.store)
      await again.deleteIf(definition, mine)
      await again.deleteIf(numberKey(vni), planned.id)
    }
    return [{ ...planned, vni }, undo]
  }
  await store.deleteIf(numberKey(vni), planned.id)
  return [parseDefinition(name, there), () => Promise.resolve()]
}

async function claimNumber(store: OverlayStore, id: string, vni: number | undefined): Promise<number> {
  while (true) {
    const number = vni ?? randomInt(FIRST_VNI, LAST_VNI + 1)
    const owner = await store.create(numberKey(number), id)
    if (owner === id) return number
    if (vni !== undefined) {
      throw new NetbridgeError(
        'ERR_NETBRIDGE_EXISTS',
        `cannot use VXLAN number ${vni}: network ${owner.slice(0, 12)} of the store has it`,
      )
    }
  }
}

/** What was asked for by name must be so. */
function checkAgrees({ options, ipv4, ipv6, name }: WantedNetwork, found: OverlayDefinition): void {
  const subnets = found.subnets.map(({ subnet }) => subnet)
  const agrees =
    [ipv4, ipv6].every((each) => each === undefined || subnets.includes(formatIpSubnet(each.subnet))) &&
    (options.ipv6 ?? subnets.length > 1) === subnets.length > 1 &&
    (options.mtu ?? found.mtu) === found.mtu &&
    (options.overlay?.vni ?? found.vni) === found.vni &&
    (options.overlay?.port ?? found.port) === found.port &&
    (options.internal ?? found.internal) === found.internal &&
    (options.icc ?? found.icc) === found.icc &&
    (options.masquerade ?? found.masquerade) === found.masquerade
  if (agrees) return
  throw new NetbridgeError(
    'ERR_NETBRIDGE_SUBNET_CONFLICT',
    `cannot join network ${name} with other settings than the store has (${subnets.join(', ')}, mtu ${found.mtu}, number ${found.vni}, port ${found.port}): leave them out, or remove it on all hosts`,
  )
}

function settled(wanted: WantedNetwork, found: OverlayDefinition, overlay: OverlayInfo): WantedNetwork {
  const plans = found.subnets.map((each) => checkPlan(each, parseIpSubnet(each.subnet)?.family))
  const { mtu, internal, icc, masquerade } = found
  return {
    ...wanted,
    id: found.id,
    overlay,
    ipv4: plans.find(({ subnet }) => subnet.family === 4),
    ipv6: plans.find(({ subnet }) => subnet.family === 6),
    wantsIpv6: plans.length > 1,
    options: { ...wanted.options, subnets: found.subnets, mtu, internal, icc, masquerade },
  }
}
