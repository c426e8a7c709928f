import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { hostnameFile, hostsFile, parseResolvConf, resolvConf, type ResolvConfOptions } from '@ctr/netbridge'
import type { Context } from '../context.js'
import type { RuntimeFile } from '../setup/files.js'
import { dnsAddress } from '../rootless/dns-address.js'
import type { ContainerRecord, NetworkMode } from './record.js'

/** The files that tell a container who and where it is: `/etc/hostname`, `/etc/hosts`, `/etc/resolv.conf`. */
export function etcFiles(
  context: Context,
  { hostname, network, rootfs }: ContainerRecord,
  own: readonly string[],
): RuntimeFile[] {
  const onHost = network.mode === 'host'
  const addresses = network.container === null ? own : addressesOf(context.records.load(network.container))
  const hosts =
    onHost && existsSync('/etc/hosts')
      ? readFileSync('/etc/hosts', 'utf8')
      : hostsFile({ hostname, addresses })
  const files = [
    { path: '/etc/hostname', content: hostnameFile(hostname) },
    { path: '/etc/hosts', content: hosts },
    {
      path: '/etc/resolv.conf',
      content: onHost ? context.host.resolvConf : resolvConf(nameServers(context, network.mode)),
    },
  ]
  return rootfs === '/' ? files.map((file) => ({ ...file, path: endOf(file.path) })) : files
}

function addressesOf({ network }: ContainerRecord): string[] {
  return network.networks.flatMap(({ address, ipv6 }) => [address, ipv6].filter((each) => each !== null))
}

/** By a program of an ordinary user, name servers of the host itself are reached at an address of their own. */
function nameServers({ host }: Context, mode: NetworkMode): ResolvConfOptions {
  const address = mode === 'pasta' || mode === 'slirp4netns' ? dnsAddress[mode] : undefined
  const own = address !== undefined && needsForwardedDns(host.resolvConf) ? { nameservers: [address] } : {}
  return { host: host.resolvConf, ...own }
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
