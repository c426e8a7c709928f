/** Transport protocols that can be published. */
export type Protocol = 'tcp' | 'udp'

/** A port of the container to be reachable through a port of the host. */
export interface PortMapping {
  /** Port of the host, 1-65535; 0 or unset takes a free one of the kernel's range (`net.ipv4.ip_local_port_range`). */
  readonly host?: number | undefined
  /** Port in the container, 1-65535. */
  readonly container: number
  /** Default `'tcp'`. */
  readonly protocol?: Protocol | undefined
  /** Address of the host to publish on. Unset or `'0.0.0.0'` is every address, localhost included. IPv4. */
  readonly hostIp?: string | undefined
}

/** A published port as it is in force. */
export interface PublishedPort {
  readonly host: number
  readonly container: number
  readonly protocol: Protocol
  /** `'0.0.0.0'` is every address of the host. */
  readonly hostIp: string
}
