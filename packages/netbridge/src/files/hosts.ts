import { isIP } from 'node:net'
import { NetbridgeError } from '../errors.js'
import { isHostName } from '../validate.js'

/** One line of `/etc/hosts`. */
export interface HostsEntry {
  /** IPv4 or IPv6 address. */
  readonly address: string
  /** The canonical name first, then aliases. */
  readonly names: readonly string[]
}

/** What {@link hostsFile} shall say. */
export interface HostsFileOptions {
  /** The container's host name, given to its address: where it has dots, what is before them alone, too. */
  readonly hostname: string
  /** The container's domain name: then its full name comes first. */
  readonly domainname?: string | undefined
  /** The container's addresses. Default none, as without a network: the name then leads to 127.0.1.1. */
  readonly addresses?: readonly string[] | undefined
  /** Further lines, such as `--add-host` gives them. */
  readonly entries?: readonly HostsEntry[] | undefined
}

/**
 * Text of a container's `/etc/hosts` (hosts(5)): localhost for IPv4 and IPv6, the multicast names, the
 * container's own name and further entries.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: a name or an address is malformed, which
 *   includes everything that would begin another line.
 *
 * @example
 * hostsFile({ hostname: 'web', addresses: ['172.30.0.2'] })
 */
export function hostsFile({ hostname, domainname, addresses = [], entries = [] }: HostsFileOptions): string {
  const full = domainname ? `${hostname}.${domainname}` : hostname
  const own = full.includes('.') ? [full, full.slice(0, full.indexOf('.'))] : [full]
  const all: HostsEntry[] = [
    ...(addresses.length === 0 ? ['127.0.1.1'] : addresses).map((address) => ({ address, names: own })),
    ...entries,
  ]
  return localEntries + hostsLines(all)
}

/**
 * Lines for an `/etc/hosts` that is there.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: as {@link hostsFile}.
 */
export function hostsLines(entries: readonly HostsEntry[]): string {
  return entries.map((entry) => `${line(entry)}\n`).join('')
}

/** The same in every container. Not checked: Node takes 9 ms to be ready to check its first IPv6 address. */
const localEntries = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
  '',
].join('\n')

/**
 * Text of a container's `/etc/hostname` (hostname(5)).
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`: the name is not a host name.
 */
export function hostnameFile(hostname: string): string {
  return `${checkName(hostname)}\n`
}

function line({ address, names }: HostsEntry): string {
  if (isIP(address) === 0 || address.includes('%')) {
    throw new NetbridgeError(
      'ERR_NETBRIDGE_INVALID_ARG',
      `cannot write hosts: ${JSON.stringify(address)} is no address`,
    )
  }
  if (names.length === 0) {
    throw new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', `cannot write hosts: ${address} has no name`)
  }
  return `${address}\t${names.map(checkName).join(' ')}`
}

function checkName(name: string): string {
  if (!isHostName(name)) {
    const quoted = JSON.stringify(name.slice(0, 80))
    throw new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', `cannot write hosts: ${quoted} is no host name`)
  }
  return name
}
