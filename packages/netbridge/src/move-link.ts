import { openSync } from 'node:fs'
import { AF_INET, AF_INET6, Fd, NETLINK_ROUTE } from '@ctr/linux'
import { NetbridgeError } from './errors.js'
import { copyAddress, getAddresses, isKept, readAddress, type AddressInfo } from './netlink/copied-address.js'
import {
  getLink,
  getLinkAt,
  moveToNamespace,
  readLink,
  renameLink,
  setLinkUp,
  type LinkInfo,
} from './netlink/link-messages.js'
import { NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'
import { routeSocketIn } from './network-namespace.js'
import { checkDeviceName } from './validate.js'

/** Where {@link moveLink} moves a link. */
export interface MoveLinkOptions {
  /** Descriptor of the network namespace; stays the caller's. */
  readonly netnsFd: number
  /** Name there. With one `%d` in it the kernel puts a free number in its place. */
  readonly newName: string
}

/**
 * Moves a network device of the caller's network namespace to another one, renames it, and sets it up. Hardware
 * address and MTU stay. The kernel takes the addresses off: those that are permanent and of global scope are put on
 * again, as the OCI runtime specification wants it for `netDevices`
 * (`ip link set NAME netns NETNS name NEWNAME; ip -n NETNS addr add …; ip -n NETNS link set NEWNAME up`).
 *
 * @param name - Name of the device.
 * @returns The device in the other namespace.
 * @throws {@link NetbridgeError} The device is where it was; if it had left already it has lost its addresses.
 *   - `ERR_NETBRIDGE_INVALID_ARG`: a name that no device can have.
 *   - `ERR_NETBRIDGE_KERNEL`: there is no such device (`ENODEV`), the name is taken there (`EEXIST`), or the device
 *     cannot leave its namespace (`EINVAL`), as `lo`.
 *   - `ERR_NETBRIDGE_PERMISSION`: needs CAP_NET_ADMIN in both namespaces.
 */
export function moveLink(name: string, { netnsFd, newName }: MoveLinkOptions): LinkInfo {
  checkDeviceName('network device name', name)
  checkDeviceName('network device name', newName.replace('%d', '0'))
  using here = new NetlinkSocket(NETLINK_ROUTE)
  using there = routeSocketIn(netnsFd)
  const { index } = findLink(here, name)
  const addresses = [AF_INET, AF_INET6].flatMap((family) =>
    exchangeRoute(here, [getAddresses(family)]).map(readAddress),
  )
  const template = newName.includes('%d')
  if (!template) refuseTaken(there, newName)
  // a template is only understood by the renaming, and then the index says which device it was
  const passing = template ? `mv${index}` : newName
  exchangeRoute(here, [moveToNamespace(index, name, netnsFd, passing)])
  return settle(there, passing, {
    newName,
    addresses: addresses.filter((address) => address.index === index && isKept(address)),
    back: () => moveBack(there, passing, name),
  })
}

interface Settling {
  readonly newName: string
  readonly addresses: readonly AddressInfo[]
  readonly back: () => void
}

function settle(there: NetlinkSocket, passing: string, { newName, addresses, back }: Settling): LinkInfo {
  try {
    const { index } = findLink(there, passing)
    if (newName !== passing) exchangeRoute(there, [renameLink(index, passing, newName)])
    for (const address of addresses) exchangeRoute(there, [copyAddress(index, passing, address)])
    exchangeRoute(there, [setLinkUp(index, passing)])
    return readLink(exchangeRoute(there, [getLinkAt(index)])[0]!)
  } catch (error) {
    throw undo(back, error)
  }
}

/** @returns What to throw instead. */
function undo(back: () => void, error: unknown): unknown {
  try {
    back()
    return error
  } catch (second) {
    return new AggregateError([error, second], 'cannot move a device, and cannot move it back', {
      cause: second,
    })
  }
}

function findLink(socket: NetlinkSocket, name: string): LinkInfo {
  return readLink(exchangeRoute(socket, [getLink(name)])[0]!)
}

/** The kernel would move the device and only then refuse to rename it. */
function refuseTaken(socket: NetlinkSocket, name: string): void {
  try {
    findLink(socket, name)
  } catch (error) {
    if (error instanceof NetbridgeError && error.errnoCode === 'ENODEV') return
    throw error
  }
  throw new NetbridgeError(
    'ERR_NETBRIDGE_KERNEL',
    `cannot move a device to the name ${name}: EEXIST (the network namespace has a device of that name)`,
    { errnoCode: 'EEXIST', errno: 17 },
  )
}

function moveBack(there: NetlinkSocket, passing: string, name: string): void {
  using own = new Fd(openSync('/proc/thread-self/ns/net', 'r'))
  const { index } = findLink(there, passing)
  exchangeRoute(there, [moveToNamespace(index, passing, own.number, name)])
}
