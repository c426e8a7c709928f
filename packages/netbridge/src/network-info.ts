import type { IpvlanMode, MacvlanMode } from './netlink/stacked-links.js'

/**
 * What connects the containers of a network: a bridge of its own, a link of the host that they share, or bridges of
 * several hosts that VXLAN joins.
 */
export type NetworkDriver = 'bridge' | 'macvlan' | 'ipvlan' | 'overlay'

/** Addresses of a network, of one family. */
export interface SubnetOptions {
  /** In CIDR form: IPv4 from /8 to /29, IPv6 from /8 to /125. */
  readonly subnet: string
  /** Default route of the containers, and of a bridge its own address. Default the first of the subnet. */
  readonly gateway?: string | undefined
  /** Part of the subnet that containers get their addresses from, if they ask for none. Default all of it. */
  readonly range?: string | undefined
  /** Addresses that belong to others and are never handed out, by names of your own. */
  readonly aux?: Readonly<Record<string, string>> | undefined
}

/** How a network is to be. */
export interface NetworkOptions {
  /** 1-128 characters of `[A-Za-z0-9_.-]`, and blanks between them, beginning with a letter or digit. */
  readonly name: string
  /** Default `'bridge'`. */
  readonly driver?: NetworkDriver | undefined
  /**
   * At most one IPv4 and one IPv6 subnet. Without an IPv4 one a private range is taken that no route of the host
   * overlaps, the first choice being 172.30.0.0/16; it stays the same as long as there is the network.
   */
  readonly subnets?: readonly SubnetOptions[] | undefined
  /** IPv6 too; without a subnet for it a random unique local one (`fd…/64`). Default: whether one is named. */
  readonly ipv6?: boolean | undefined
  /** No way out: no default route, and nothing else leads in or out either. Default false. */
  readonly internal?: boolean | undefined
  /** Containers may be connected by hand. Default true. It is kept for whoever asks. */
  readonly attachable?: boolean | undefined
  /** Largest packet in bytes, 576-65535 (with IPv6 from 1280). Unset is the kernel's 1500, or the parent's. */
  readonly mtu?: number | undefined
  /** Containers of the network reach each other. Of bridges. Default true. */
  readonly icc?: boolean | undefined
  /** What leaves the network gets the host's address. Of bridges. Default true. */
  readonly masquerade?: boolean | undefined
  /** IPv4 address of the host that its containers publish ports on, where they name none. Of bridges. Default every address. */
  readonly hostIp?: string | undefined
  /** Anything that you want to find with it. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Name of the bridge, also of overlay networks, 1-15 bytes. Default `br-` and the first digits of the network's id. */
  readonly bridge?: string | undefined
  /**
   * Link of the host that macvlan and ipvlan stand on. A VLAN is named as `eth0.10`: it is made when it is not there,
   * and goes with the last network on it then.
   */
  readonly parent?: string | undefined
  /** How macvlan or ipvlan links work. Default `'bridge'` and `'l2'`. */
  readonly mode?: MacvlanMode | IpvlanMode | undefined
  /** How the hosts of an overlay network find each other; it needs that. */
  readonly overlay?: OverlayOptions | undefined
}

/** How the hosts of an overlay network find each other. */
export interface OverlayOptions {
  /**
   * Where they tell each other who they are: `etcd://HOST:PORT[,HOST:PORT...][/PREFIX]` (or `etcds:` with
   * `?ca=PATH&cert=PATH&key=PATH`), on all hosts the same prefix, or `file:///FOLDER` for several namespaces of one
   * machine. Whoever may write there may send all traffic of the network where he likes.
   */
  readonly store: string
  /** Number of the network in its packets, 1-16777215. Default a free one. */
  readonly vni?: number | undefined
  /** UDP port of all its hosts. Default 4789. */
  readonly port?: number | undefined
  /** IPv4 address by which the other hosts reach this one. Default the one by which this host reaches the store. */
  readonly local?: string | undefined
  /** After how many seconds without a word of this host the others forget it, 2-3600. Default 30. */
  readonly ttlSeconds?: number | undefined
}

/** The place of a host in an overlay network. */
export interface OverlayInfo {
  readonly store: string
  readonly vni: number
  readonly port: number
  readonly local: string
  readonly ttlSeconds: number
  /** Name of this host among the others: 16 hexadecimal digits. */
  readonly host: string
}

/** A network as it is kept: plain data, the same in every process and after a reboot. */
export interface NetworkInfo {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  readonly driver: NetworkDriver
  /** When it was made, in ISO 8601. */
  readonly createdAt: string
  /** IPv4 first, then IPv6 where it has that. */
  readonly subnets: readonly Required<SubnetInfo>[]
  readonly internal: boolean
  readonly attachable: boolean
  /** Undefined is the kernel's default. */
  readonly mtu?: number | undefined
  readonly icc: boolean
  readonly masquerade: boolean
  /** Undefined is every address. */
  readonly hostIp?: string | undefined
  readonly labels: Readonly<Record<string, string>>
  /** Of the driver bridge. */
  readonly bridge?: string | undefined
  /** Of macvlan and ipvlan. */
  readonly parent?: string | undefined
  readonly mode?: MacvlanMode | IpvlanMode | undefined
  /** The parent is a VLAN that was made for networks, and goes with the last of them. */
  readonly madeParent?: boolean | undefined
  /** Of overlay networks: what is the network's, and what is this host's. */
  readonly overlay?: OverlayInfo | undefined
}

/** Addresses of a network in force. */
export interface SubnetInfo {
  readonly subnet: string
  readonly gateway: string
  /** Where addresses are chosen from: the whole subnet, where it has no other. */
  readonly range: string
  readonly aux: Readonly<Record<string, string>>
}
