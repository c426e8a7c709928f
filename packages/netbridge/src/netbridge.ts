import { NetbridgeError } from './errors.js'
import { Network } from './network.js'
import { checkSame, makeNetwork, reopenNetwork } from './open-network.js'
import { InstanceState } from './state/instance-state.js'
import { checkInstance } from './validate.js'
import { checkWanted } from './wanted.js'

/** Which network to open, and how it shall be when it is not there yet. */
export interface NetbridgeOptions {
  /**
   * Folder in which the instance keeps its networks, addresses and ports. It should not outlive a reboot, as
   * what it describes does not. Default `/run/ctrjs/net`.
   */
  readonly state?: string | undefined
  /** Name of the instance: its nftables table. One folder, one instance. Default `'ctrjs'`. */
  readonly instance?: string | undefined
  /** Name of the bridge, and thereby of the network: 1-15 bytes. Default the instance's name and `0`. */
  readonly bridge?: string | undefined
  /**
   * Subnet in CIDR form, /8 to /29. Unset takes a private one that no route of the host overlaps, the first
   * choice being 172.30.0.0/16; it stays the same as long as the network is there.
   */
  readonly subnet?: string | undefined
  /** Address of the bridge. Default the first of the subnet. Needs `subnet`. */
  readonly gateway?: string | undefined
  /** Largest packet in bytes, 576-65535. Unset is the kernel's 1500. */
  readonly mtu?: number | undefined
}

/**
 * Opens a network, making it when it is not there: the bridge with its address, the nftables table of the
 * instance, and the sysctls `net.ipv4.ip_forward` and `net.ipv4.conf.BRIDGE.route_localnet`. It belongs to
 * the network namespace that the calling thread is in.
 *
 * @throws {@link NetbridgeError}
 *   - `ERR_NETBRIDGE_INVALID_ARG`: a name, subnet, gateway or mtu is malformed.
 *   - `ERR_NETBRIDGE_PERMISSION`: the caller lacks CAP_NET_ADMIN, or may not write the state folder.
 *   - `ERR_NETBRIDGE_SUBNET_CONFLICT`: the host reaches that subnet elsewhere, or the network exists with
 *     other settings.
 *   - `ERR_NETBRIDGE_EXISTS`: a link of that name exists and is not this network's.
 *   - `ERR_NETBRIDGE_UNSUPPORTED`, `ERR_NETBRIDGE_KERNEL`: the kernel lacks bridges or nf_tables with NAT.
 *
 * @example
 * await using net = await Netbridge.open({ state: '/run/demo/net', instance: 'demo' })
 */
// eslint-disable-next-line @typescript-eslint/require-await -- errors become rejections
async function open(options: NetbridgeOptions = {}): Promise<Network> {
  const instance = checkInstance(options.instance ?? 'ctrjs')
  const { bridge = `${instance}0`, subnet, gateway, mtu } = options
  if (gateway !== undefined && subnet === undefined) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_INVALID_ARG',
      'cannot use a gateway without its subnet: name both',
    )
  }
  const subnets = subnet === undefined ? [] : [{ subnet, gateway }]
  const wanted = checkWanted({ name: bridge, bridge, subnets, mtu })
  const state = new InstanceState(options.state ?? '/run/ctrjs/net')
  return Network.opened(state, { instance, name: bridge }, (route) => {
    const found = state.record(bridge)
    if (found === undefined) return makeNetwork(state, route, wanted)
    checkSame(found, wanted)
    return reopenNetwork(route, found)
  })
}

/** One bridge network, without more ado: made when it is opened for the first time. See {@link Networks} for all else. */
export const Netbridge = { open }
/** A network that `Netbridge.open()` opened. */
export type Netbridge = Network
