import { parseIpSubnet } from '../address/ip.js'
import type { Subnet } from '../address/ipv4.js'
import { NetbridgeError } from '../errors.js'
import type { NetworkDriver, NetworkInfo } from '../network-info.js'
import { checkPlan, type AddressPlan } from '../address/plan.js'
import { checkInterfaceName, checkNetworkName } from '../validate.js'
import { createFile, readFile } from './files.js'

/** A network as it is worked with. */
export interface NetworkRecord {
  readonly info: NetworkInfo
  readonly name: string
  /** The IPv4 subnet. */
  readonly subnet: Subnet
  readonly gateway: number
  readonly ipv4: AddressPlan
  readonly ipv6: AddressPlan | undefined
  /** Undefined is the kernel's default of 1500. */
  readonly mtu: number | undefined
  /** Name of its bridge; undefined for macvlan and ipvlan. */
  readonly bridge: string | undefined
}

/** A network of the driver bridge or overlay. */
export interface BridgeRecord extends NetworkRecord {
  readonly bridge: string
}

/** Tells networks with a bridge of their own from others. */
export function isBridge(record: NetworkRecord): record is BridgeRecord {
  return record.bridge !== undefined
}

/** Whether networks of a driver have bridges of their own. */
export function hasBridge(driver: NetworkDriver): boolean {
  return driver === 'bridge' || driver === 'overlay'
}

/** What a description means. Throws when it does not make sense. */
export function recordOf(info: NetworkInfo): NetworkRecord {
  const [ipv4, ipv6] = info.subnets.map((written) =>
    checkPlan(written, parseIpSubnet(written.subnet)?.family ?? 4),
  )
  if (ipv4?.subnet.family !== 4 || (ipv6 !== undefined && ipv6.subnet.family !== 6))
    throw new TypeError(`subnets of ${info.name}`)
  return {
    info,
    name: checkNetworkName(info.name),
    subnet: { base: Number(ipv4.subnet.base), prefixLength: ipv4.subnet.prefixLength },
    gateway: Number(ipv4.gateway.value),
    ipv4,
    ipv6,
    mtu: info.mtu,
    bridge: hasBridge(info.driver) ? checkInterfaceName('bridge', info.bridge ?? '') : undefined,
  }
}

/**
 * Writes the record of a new network.
 *
 * @param durable - It has to outlive a power failure.
 * @returns False when there is one already.
 */
export function writeNetworkRecord(path: string, { info }: NetworkRecord, durable: boolean): boolean {
  return createFile(path, JSON.stringify(info), { durable })
}

/**
 * Reads the record of a network.
 *
 * @returns Undefined when there is none.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_STATE` when it does not make sense.
 */
export function readNetworkRecord(path: string): NetworkRecord | undefined {
  const text = readFile(path)
  if (text === undefined) return undefined
  try {
    return recordOf(JSON.parse(text) as NetworkInfo)
  } catch (error) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_STATE',
      `cannot read ${path}: it is not the record of a network; remove the file to give the network up`,
      { cause: error },
    )
  }
}
