/** Transport protocols that can be published. */
export type Protocol = 'tcp' | 'udp' | 'sctp'

/** A port of the container to be reachable through a port of the host. */
export interface PortMapping {
  /** Port of the host, 1-65535; 0 or unset takes a free one of the kernel's range (`net.ipv4.ip_local_port_range`). */
  readonly host?: number | undefined
  /** Last port of the host that will do: the first free one from `host` on is taken. Default `host`. */
  readonly hostTo?: number | undefined
  /** Port in the container, 1-65535. */
  readonly container: number
  /** How many ports from `host` and `container` on, each leading to its own. Default 1. */
  readonly count?: number | undefined
  /** Default `'tcp'`. */
  readonly protocol?: Protocol | undefined
  /**
   * Address of the host to publish on. Unset or `'0.0.0.0'` is every address, localhost included, and those of IPv6
   * where the container has one of these; `'::'` is every IPv6 address.
   */
  readonly hostIp?: string | undefined
}

/** A published port as it is in force. */
export interface PublishedPort {
  readonly host: number
  readonly container: number
  readonly protocol: Protocol
  /** `'0.0.0.0'` is every address of the host, `'::'` every IPv6 one. */
  readonly hostIp: string
}
