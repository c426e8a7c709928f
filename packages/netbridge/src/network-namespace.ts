import { openSync } from 'node:fs'
import {
  AT_FDCWD,
  CLONE_NEWNET,
  CLONE_NEWUSER,
  executeInChild,
  Fd,
  NETLINK_ROUTE,
  O_CLOEXEC,
  setns,
  unshare,
} from '@ctr/linux'
import { setLinkUp } from './netlink/link-messages.js'
import { kernelError } from './netlink/kernel-error.js'
import { NetlinkSocket } from './netlink/netlink-socket.js'
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

/** Whose a network namespace is to be. */
export interface CreateNetworkNamespaceOptions {
  /**
   * Descriptor of the user namespace that it belongs to: root in there may configure it (addresses, `net.*` kernel
   * parameters) and mount its `/sys`. Nobody who is not trusted may be in there yet. Default: the caller's own.
   */
  readonly userNamespace?: number | undefined
}

/**
 * Makes a network namespace with nothing in it but `lo`, which is down. The calling thread enters it and
 * comes back in the same turn; other threads never notice. One that belongs to another user namespace is made by a
 * short-lived child. Costs about 0.5 ms.
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
export function createNetworkNamespace({
  userNamespace,
}: CreateNetworkNamespaceOptions = {}): NetworkNamespace {
  const action = 'create a network namespace'
  const made =
    userNamespace === undefined
      ? andBack(
          action,
          () => unshare(CLONE_NEWNET),
          () => new Fd(openCurrent()),
        )
      : new Fd(makeIn(userNamespace, action))
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
  return insideNetwork(netnsFd, () => new NetlinkSocket(NETLINK_ROUTE))
}

/** Makes something in another network namespace that stays there, such as a socket. */
export function insideNetwork<Result extends Disposable>(netnsFd: number, make: () => Result): Result {
  return andBack('enter the network namespace', () => setns(netnsFd, CLONE_NEWNET), make)
}

/** A process of several threads cannot enter a user namespace; a child with its descriptors can. */
function makeIn(userNamespace: number, action: string): number {
  try {
    return executeInChild((program) => {
      program.step('enter the user namespace').call('setns', [userNamespace, CLONE_NEWUSER])
      program.step('make the network namespace').call('unshare', [CLONE_NEWNET])
      return program.call('openat', [AT_FDCWD, currentPath, O_CLOEXEC, 0])
    })
  } catch (error) {
    throw kernelError(action, error)
  }
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

const currentPath = '/proc/thread-self/ns/net'

function openCurrent(): number {
  return openSync(currentPath, 'r')
}
