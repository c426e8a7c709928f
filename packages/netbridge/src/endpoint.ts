import type { Bandwidth } from './bandwidth.js'
import type { LinkStats } from './link-stats.js'
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
  /** A fixed IPv6 address, of a network that has IPv6. Unset takes the next free one. */
  readonly ip6?: string | undefined
  /**
   * Further addresses of its interface that the network hands out to nobody: with a prefix of 16 bits, of IPv6 64. At most
   * 16. Default none.
   */
  readonly linkLocalIps?: readonly string[] | undefined
  /** Whether everything else is reached through this network; false for a second one of a container. Default true. */
  readonly defaultRoute?: boolean | undefined
  /** Hardware address inside, unicast, as `'02:42:ac:1e:00:02'`. Unset derives a local one from the address. */
  readonly mac?: string | undefined
  /**
   * The container may send as itself only: frames with another hardware address or another source address, ARP and
   * neighbour advertisements for others, and router advertisements are dropped where they enter the bridge. Of bridges.
   * Default false.
   */
  readonly antiSpoofing?: boolean | undefined
  /** How fast it may send and receive. Of bridges. Default as fast as it can. */
  readonly bandwidth?: Bandwidth | undefined
  /** Ports of the host that lead to the container. Default none. Only of bridges. */
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
  /** Where the default route leads, if there is one: of a bridge its address. */
  readonly gateway: string
  /** Its IPv6 address; null on a network without. */
  readonly ipv6: EndpointIpv6 | null
  readonly mac: string
  /** Name of the host's end of the veth pair; null where there is none, as with macvlan and ipvlan. */
  readonly ifname: string | null
  /** Frames that are not from this container are dropped where they enter the bridge. */
  readonly antiSpoofing?: boolean | undefined
  /** Its limits; undefined when it has none. */
  readonly bandwidth?: Bandwidth | undefined
  readonly ports: readonly PublishedPort[]
}

/** The IPv6 address of an endpoint. */
export interface EndpointIpv6 {
  readonly address: string
  readonly prefixLength: number
  readonly gateway: string
}

/** How to take an endpoint away. */
export interface DetachOptions {
  /**
   * The caller is about to let go of the network namespace (its last process has ended, its descriptor is
   * about to be closed): the link, which is down by then, is left to go with it. Saves the kernel the work of
   * deleting it apart. Default false.
   */
  readonly leaveLink?: boolean | undefined
  /**
   * Descriptor of the network namespace, where that goes on: the link is deleted at once, with its routes, which takes
   * the kernel 15-30 ms. A macvlan or ipvlan link is in there as a whole, and stays there until the namespace goes when
   * this is not given.
   */
  readonly netnsFd?: number | undefined
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

  /**
   * What the container has received and sent on this network, counted where it cannot change anything: at the host's
   * end of its veth pair.
   *
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_NOT_FOUND`: it is no longer attached; `ERR_NETBRIDGE_INVALID_ARG`: its
   *   link has no end on the host, as with macvlan and ipvlan; `ERR_NETBRIDGE_CLOSED`.
   */
  stats(): LinkStats

  /**
   * Changes its limits at once, whatever they were: what is not named has none from now on. Packets that wait for
   * their turn are not lost.
   *
   * @returns Its limits as they are kept.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`, `ERR_NETBRIDGE_NOT_FOUND`, `ERR_NETBRIDGE_UNSUPPORTED`:
   *   the kernel has no `tbf` or no `ifb`; `ERR_NETBRIDGE_KERNEL`, `ERR_NETBRIDGE_CLOSED`. Those of before stay.
   *
   * @example
   * endpoint.setBandwidth({ ingressRate: 10_000_000, egressRate: 2_000_000 })
   */
  setBandwidth(bandwidth: Bandwidth): Bandwidth | undefined
}
