import { formatIpv4, formatSubnet, type Subnet } from '../address/ipv4.js'
import { NetbridgeError } from '../errors.js'
import { checkGateway, checkInteger, checkInterfaceName, checkSubnet } from '../validate.js'
import { createFile, readFile } from './files.js'

/** What makes a network, the same in every process. */
export interface NetworkRecord {
  readonly bridge: string
  readonly subnet: Subnet
  readonly gateway: number
  /** Undefined is the kernel's default of 1500. */
  readonly mtu: number | undefined
}

interface Written {
  readonly bridge: string
  readonly subnet: string
  readonly gateway: string
  readonly mtu?: number | undefined
}

/** Writes the record of a new network. */
export function writeNetworkRecord(path: string, { bridge, subnet, gateway, mtu }: NetworkRecord): void {
  const written: Written = { bridge, subnet: formatSubnet(subnet), gateway: formatIpv4(gateway), mtu }
  createFile(path, JSON.stringify(written))
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
    const { bridge, subnet: range, gateway, mtu } = JSON.parse(text) as Written
    const subnet = checkSubnet(range)
    return {
      bridge: checkInterfaceName('bridge', bridge),
      subnet,
      gateway: checkGateway(gateway, subnet),
      mtu: mtu === undefined ? undefined : checkInteger('mtu', mtu, 576, 65_535),
    }
  } catch (error) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_STATE',
      `cannot read ${path}: it is not the record of a network`,
      {
        cause: error,
      },
    )
  }
}
