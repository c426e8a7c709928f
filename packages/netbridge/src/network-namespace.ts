import { openSync } from 'node:fs'
import { CLONE_NEWNET, Fd, NETLINK_ROUTE, setns, unshare } from '@ctr/linux'
import { setLinkUp } from './netlink/link-messages.js'
import { kernelError, NetlinkSocket } from './netlink/netlink-socket.js'
import { exchangeRoute } from './netlink/route-request.js'

/** Index of `lo`, the first interface of every network namespace. */
export const LOOPBACK_INDEX = 1

/** A network namespace that is kept by its descriptor: it goes when that and the last process in it are gone. */
export interface NetworkNamespace extends Disposable {
  /** Descriptor of the namespace (close-on-exec), for `setns(2)` and `Netbridge.attach()`. */
  readonly fd: number
  /** Closes the descriptor. Idempotent. */
  close(): void
}

/**
 * Makes a network namespace with nothing in it but `lo`, which is down. The calling thread enters it and
 * comes back in the same turn; other threads never notice. Costs about 0.5 ms.
 *
 * @throws {@link NetbridgeError}
 *   - `ERR_NETBRIDGE_PERMISSION`: the caller lacks CAP_SYS_ADMIN.
 *   - `ERR_NETBRIDGE_KERNEL`: for example `ENOSPC`, when `user.max_net_namespaces` is reached.
 * @see {@link https://man7.org/linux/man-pages/man7/network_namespaces.7.html}
 *
 * @example
 * using netns = createNetworkNamespace()
 * loopbackUp(netns.fd)
 */
export function createNetworkNamespace(): NetworkNamespace {
  const made = andBack(
    'create a network namespace',
    () => unshare(CLONE_NEWNET),
    () => new Fd(openCurrent()),
  )
  return {
    get fd() {
      return made.number
    },
    close: () => made.close(),
    [Symbol.dispose]: () => made.close(),
  }
}

/**
 * Sets `lo` up in a network namespace, as even a container without a network needs it
 * (`ip -n NETNS link set lo up`). The kernel adds 127.0.0.1 and ::1 by itself.
 *
 * @param netnsFd - Descriptor of the namespace; stays the caller's.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PERMISSION`, `ERR_NETBRIDGE_KERNEL`.
 */
export function loopbackUp(netnsFd: number): void {
  using socket = routeSocketIn(netnsFd)
  exchangeRoute(socket, [setLinkUp(LOOPBACK_INDEX, 'lo')])
}

/** Opens an rtnetlink socket that belongs to another network namespace. */
export function routeSocketIn(netnsFd: number): NetlinkSocket {
  return andBack(
    'enter the network namespace',
    () => setns(netnsFd, CLONE_NEWNET),
    () => new NetlinkSocket(NETLINK_ROUTE),
  )
}

/** Moves the thread to another network namespace, makes something there, and always comes back. */
function andBack<Result extends Disposable>(action: string, move: () => void, make: () => Result): Result {
  using current = new Fd(openCurrent())
  try {
    move() // refused, the thread has not moved
  } catch (error) {
    throw kernelError(action, error)
  }
  let result: Result | undefined
  try {
    result = make()
    return result
  } catch (error) {
    throw kernelError(action, error)
  } finally {
    comeBack(current.number, result)
  }
}

/** Nothing of this process may go on in the wrong namespace unnoticed: not coming back is an error of its own. */
function comeBack(netnsFd: number, made: Disposable | undefined): void {
  try {
    setns(netnsFd, CLONE_NEWNET)
  } catch (error) {
    made?.[Symbol.dispose]()
    throw kernelError('return to the network namespace of before', error)
  }
}

function openCurrent(): number {
  return openSync('/proc/thread-self/ns/net', 'r')
}
