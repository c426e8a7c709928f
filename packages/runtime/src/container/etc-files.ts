import { existsSync, readFileSync, realpathSync } from 'node:fs'
import {
  hostnameFile,
  hostsFile,
  hostsLines,
  parseResolvConf,
  resolvConf,
  type HostsEntry,
  type ResolvConfOptions,
} from '@ctr/netbridge'
import type { Context } from '../context.js'
import { hostGateway, type RunOptions } from '../options.js'
import type { RuntimeFile } from '../setup/files.js'
import { asksForNames, containerNameServers } from '../networks/container-names.js'
import { dnsAddress } from '../rootless/dns-address.js'
import type { ContainerRecord } from './record.js'
import type { NetworkMode } from './network-option.js'

/** Where a container is on its networks. */
export interface Place {
  readonly addresses: readonly string[]
  /** The host, as the container reaches it; undefined without a network of its own. */
  readonly gateway?: string | undefined
}

/** The files that tell a container who and where it is: `/etc/hostname`, `/etc/hosts`, `/etc/resolv.conf`. */
export function etcFiles(
  context: Context,
  record: ContainerRecord,
  { dns, extraHosts = {}, domainname }: Pick<RunOptions, 'dns' | 'extraHosts' | 'domainname'>,
  place: Place,
): RuntimeFile[] {
  const { hostname, network, rootfs } = record
  const onHost = network.mode === 'host'
  const addresses =
    network.container === null ? place.addresses : addressesOf(context.records.load(network.container))
  const entries = hostsEntries(extraHosts, place.gateway ?? '127.0.0.1')
  const files = [
    { path: '/etc/hostname', content: hostnameFile(hostname) },
    {
      path: '/etc/hosts',
      content:
        onHost && existsSync('/etc/hosts')
          ? ownHosts() + hostsLines(entries)
          : hostsFile({ hostname, domainname, addresses, entries }),
    },
    { path: '/etc/resolv.conf', content: resolvConfOf(context, record, dns) },
  ]
  return rootfs === '/' ? files.map((file) => ({ ...file, path: endOf(file.path) })) : files
}

/** What a container's `/etc/resolv.conf` says. */
export function resolvConfOf(context: Context, record: ContainerRecord, dns: RunOptions['dns']): string {
  if (record.network.mode === 'host' && dns === undefined) return context.host.resolvConf
  return resolvConf(settings(context, record, dns))
}

function addressesOf({ network }: ContainerRecord): string[] {
  return network.networks.flatMap(({ address, ipv6 }) => [address, ipv6].filter((each) => each !== null))
}

function hostsEntries(
  extraHosts: NonNullable<RunOptions['extraHosts']>,
  gateway: string,
): readonly HostsEntry[] {
  return Object.entries(extraHosts).flatMap(([name, addresses]) =>
    [addresses]
      .flat()
      .map((address) => ({ address: address === hostGateway ? gateway : address, names: [name] })),
  )
}

/** The host's file, so that further lines begin on one of their own. */
function ownHosts(): string {
  const text = readFileSync('/etc/hosts', 'utf8')
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

function settings(context: Context, record: ContainerRecord, dns: RunOptions['dns']): ResolvConfOptions {
  const own = { ...nameServers(context, record.network.mode), ...given(dns) }
  if (!asksForNames(record)) return own
  const { nameservers, options } = parseResolvConf(resolvConf(own))
  // names of other containers have no dots; as Docker
  const dots = options.some((option) => option.startsWith('ndots:')) ? [] : ['ndots:0']
  return {
    ...own,
    nameservers: containerNameServers(record, nameservers),
    options: [...options, ...dots],
  }
}

/** Settings that are undefined would take the place of those of before. */
function given(dns: RunOptions['dns'] = {}): ResolvConfOptions {
  return Object.fromEntries(Object.entries(dns).filter(([, value]) => value !== undefined))
}

/**
 * On the host's own network all its servers are reached; by a program of an ordinary user, those that only the host
 * itself reaches, at an address of their own.
 */
function nameServers({ host }: Context, mode: NetworkMode): ResolvConfOptions {
  if (mode === 'host')
    return { host: host.resolvConf, nameservers: parseResolvConf(host.resolvConf).nameservers }
  const address = mode === 'pasta' || mode === 'slirp4netns' ? dnsAddress[mode] : undefined
  const own =
    address !== undefined && needsForwardedDns(host.resolvConfOfOthers) ? { nameservers: [address] } : {}
  return { host: host.resolvConfOfOthers, ...own }
}

/** Whether none of the host's name servers can be reached from elsewhere. */
export function needsForwardedDns(text: string): boolean {
  const { nameservers } = parseResolvConf(text)
  return nameservers.length > 0 && parseResolvConf(resolvConf({ host: text })).nameservers.length === 0
}

/** On a copy of the host, `/etc/resolv.conf` may be a link into `/run`, which is not copied: its end is meant. */
function endOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
