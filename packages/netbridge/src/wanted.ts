import { randomBytes } from 'node:crypto'
import { checkPlan, type AddressPlan } from './address/plan.js'
import { NetbridgeError } from './errors.js'
import type { NetworkDriver, NetworkOptions } from './network-info.js'
import { checkInteger, checkInterfaceName, checkNetworkName } from './validate.js'

/** What was asked for, once it is known to make sense. */
export interface WantedNetwork {
  readonly options: NetworkOptions
  readonly name: string
  readonly driver: NetworkDriver
  readonly ipv4: AddressPlan | undefined
  readonly ipv6: AddressPlan | undefined
  readonly wantsIpv6: boolean
}

const modes: Readonly<Record<NetworkDriver, readonly string[]>> = {
  bridge: [],
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
}

/**
 * Reads what a caller wants.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function checkWanted(options: NetworkOptions): WantedNetwork {
  const { driver = 'bridge', subnets = [] } = options
  if (!Object.hasOwn(modes, driver))
    throw invalid(`cannot use driver ${JSON.stringify(driver)}: bridge, macvlan and ipvlan are there`)
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
  { bridge, parent, mode, icc, masquerade }: NetworkOptions,
): void {
  if (driver === 'bridge') {
    if (parent !== undefined || mode !== undefined)
      throw invalid('cannot use a parent or a mode with the driver bridge: they are for macvlan and ipvlan')
    if (bridge !== undefined) checkInterfaceName('bridge', bridge)
    return
  }
  if (bridge !== undefined || icc !== undefined || masquerade !== undefined)
    throw invalid(`cannot use bridge, icc or masquerade with the driver ${driver}: it has no bridge`)
  if (parent === undefined)
    throw invalid(`cannot make a network of the driver ${driver} without parent: name a link of the host`)
  checkInterfaceName('parent', parent)
  if (mode !== undefined && !modes[driver].includes(mode))
    throw invalid(`cannot use mode ${JSON.stringify(mode)}: ${driver} has ${modes[driver].join(', ')}`)
}

/** A name for a network that nobody has. */
export function newNetworkId(): string {
  return randomBytes(32).toString('hex')
}

function invalid(message: string): NetbridgeError {
  return new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', message)
}
