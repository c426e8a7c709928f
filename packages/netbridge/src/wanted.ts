import { randomBytes } from 'node:crypto'
import { checkPlan, type AddressPlan } from './address/plan.js'
import { NetbridgeError } from './errors.js'
import type { NetworkDriver, NetworkOptions, OverlayInfo, OverlayOptions } from './network-info.js'
import { checkInteger, checkInterfaceName, checkIpv4, checkNetworkName } from './validate.js'

/** What was asked for, once it is known to make sense. */
export interface WantedNetwork {
  readonly options: NetworkOptions
  readonly name: string
  readonly driver: NetworkDriver
  readonly ipv4: AddressPlan | undefined
  readonly ipv6: AddressPlan | undefined
  readonly wantsIpv6: boolean
  /** Its id, where others have it already. */
  readonly id?: string | undefined
  /** Of overlay networks, once the store was asked. */
  readonly overlay?: OverlayInfo | undefined
}

const modes: Readonly<Record<NetworkDriver, readonly string[]>> = {
  bridge: [],
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
  overlay: [],
}

/**
 * Reads what a caller wants.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function checkWanted(options: NetworkOptions): WantedNetwork {
  const { driver = 'bridge', subnets = [] } = options
  if (!Object.hasOwn(modes, driver))
    throw invalid(
      `cannot use driver ${JSON.stringify(driver)}: bridge, macvlan, ipvlan and overlay are there`,
    )
  checkDriverOptions(driver, options)
  const plans = subnets.map((subnet) => checkPlan(subnet))
  const [ipv4, ...moreIpv4] = plans.filter(({ subnet }) => subnet.family === 4)
  const [ipv6, ...moreIpv6] = plans.filter(({ subnet }) => subnet.family === 6)
  if (moreIpv4.length + moreIpv6.length > 0)
    throw invalid(
      'cannot use several subnets of one family: a network has one IPv4 and one IPv6 subnet at most',
    )
  if (ipv6 !== undefined && options.ipv6 === false)
    throw invalid('cannot use an IPv6 subnet in a network without IPv6: leave out `ipv6: false`')
  const wantsIpv6 = options.ipv6 ?? ipv6 !== undefined
  if (options.mtu !== undefined) checkInteger('mtu', options.mtu, wantsIpv6 ? 1280 : 576, 65_535)
  return { options, name: checkNetworkName(options.name), driver, ipv4, ipv6, wantsIpv6 }
}

function checkDriverOptions(
  driver: NetworkDriver,
  { bridge, parent, mode, icc, masquerade, hostIp, overlay }: NetworkOptions,
): void {
  if (driver === 'overlay') checkOverlay(overlay)
  else if (overlay !== undefined)
    throw invalid(`cannot use a store with the driver ${driver}: it is for overlay`)
  if (driver === 'bridge' || driver === 'overlay') {
    if (parent !== undefined || mode !== undefined)
      throw invalid(
        `cannot use a parent or a mode with the driver ${driver}: they are for macvlan and ipvlan`,
      )
    if (bridge !== undefined) checkInterfaceName('bridge', bridge)
    if (hostIp !== undefined) checkIpv4('hostIp', hostIp)
    return
  }
  if ([bridge, icc, masquerade, hostIp].some((option) => option !== undefined))
    throw invalid(`cannot use bridge, icc, masquerade or hostIp with the driver ${driver}: it has no bridge`)
  if (parent === undefined)
    throw invalid(`cannot make a network of the driver ${driver} without parent: name a link of the host`)
  checkInterfaceName('parent', parent)
  if (mode !== undefined && !modes[driver].includes(mode))
    throw invalid(`cannot use mode ${JSON.stringify(mode)}: ${driver} has ${modes[driver].join(', ')}`)
}

function checkOverlay(overlay: Partial<OverlayOptions> | undefined): void {
  if (overlay?.store === undefined)
    throw invalid('cannot make an overlay network without a store: name one, such as etcd://10.0.0.1:2379')
  const { vni, port, local, ttlSeconds } = overlay
  if (vni !== undefined) checkInteger('vni', vni, 1, 2 ** 24 - 1)
  if (port !== undefined) checkInteger('port of VXLAN', port, 1, 65_535)
  if (local !== undefined) checkIpv4('address of this host', local)
  if (ttlSeconds !== undefined) checkInteger('ttlSeconds', ttlSeconds, 2, 3600)
}

/** A name for a network that nobody has. */
export function newNetworkId(): string {
  return randomBytes(32).toString('hex')
}

function invalid(message: string): NetbridgeError {
  return new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', message)
}
