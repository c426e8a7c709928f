import type { PortMapping, PublishedPort } from './ports.js'

/** What to attach and how it shall look inside. */
export interface AttachOptions {
  /**
   * Who the endpoint belongs to, such as a container's id: 1-128 characters of `[A-Za-z0-9_.-]`, beginning
   * with a letter or digit. One endpoint per id and network.
   */
  readonly id: string
  /** File descriptor of the container's network namespace; stays the caller's and is not kept. */
  readonly netnsFd: number
  /** Name of the interface inside, 1-15 bytes. Default `'eth0'`. */
  readonly name?: string | undefined
  /**
   * Names by which others of the network find it (`Netbridge.serveDns`), beside its id: host names, such as a
   * container's own and its aliases. Several may have the same one. Default none.
   */
  readonly names?: readonly string[] | undefined
  /** A fixed address of the network's subnet. Unset takes the next free one. */
  readonly ip?: string | undefined
  /** Hardware address inside, unicast, as `'02:42:ac:1e:00:02'`. Unset derives a local one from the address. */
  readonly mac?: string | undefined
  /** Ports of the host that lead to the container. Default none. */
  readonly publish?: readonly PortMapping[] | undefined
}

/** A persisted attachment: plain data, the same in every process that opens the network. */
export interface EndpointInfo {
  readonly id: string
  /** Name of the interface inside. */
  readonly name: string
  /** Names by which others of the network find it, beside its id. */
  readonly names: readonly string[]
  /** IPv4 address inside. */
  readonly address: string
  readonly prefixLength: number
  /** Address of the bridge: the default route inside. */
  readonly gateway: string
  readonly mac: string
  /** Name of the host's end of the veth pair. */
  readonly ifname: string
  readonly ports: readonly PublishedPort[]
}

/** How to take an endpoint away. */
export interface DetachOptions {
  /**
   * The caller is about to let go of the network namespace (its last process has ended, its descriptor is
   * about to be closed): the link, which is down by then, is left to go with it. Saves the kernel the work of
   * deleting it apart. Default false.
   */
  readonly leaveLink?: boolean | undefined
}

/** A container's place on a network. */
export interface Endpoint extends EndpointInfo, Disposable {
  /**
   * Takes the published ports, the link and the address away. Idempotent; nothing of the container reaches
   * the bridge any more when it returns. The link itself, by then down, is deleted in the background, because
   * the kernel takes 15-30 ms for that; `Netbridge.close()` waits for it.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_KERNEL` when the kernel refuses; call it again to retry.
   *   `ERR_NETBRIDGE_CLOSED` when the network's handle was closed.
   */
  detach(options?: DetachOptions): void
}
