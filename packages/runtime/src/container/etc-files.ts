import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { hostnameFile, hostsFile, resolvConf } from '@ctr/netbridge'
import type { Context } from '../context.js'
import type { RuntimeFile } from '../setup/files.js'
import type { ContainerRecord } from './record.js'

/** The files that tell a container who and where it is: `/etc/hostname`, `/etc/hosts`, `/etc/resolv.conf`. */
export function etcFiles(
  context: Context,
  { hostname, network, rootfs }: ContainerRecord,
  address: string | undefined,
): RuntimeFile[] {
  const onHost = network.mode === 'host'
  const hosts =
    onHost && existsSync('/etc/hosts')
      ? readFileSync('/etc/hosts', 'utf8')
      : hostsFile({ hostname, addresses: address === undefined ? [] : [address] })
  const files = [
    { path: '/etc/hostname', content: hostnameFile(hostname) },
    { path: '/etc/hosts', content: hosts },
    {
      path: '/etc/resolv.conf',
      content: onHost ? context.host.resolvConf : resolvConf({ host: context.host.resolvConf }),
    },
  ]
  return rootfs === '/' ? files.map((file) => ({ ...file, path: endOf(file.path) })) : files
}

/** On a copy of the host, `/etc/resolv.conf` may be a link into `/run`, which is not copied: its end is meant. */
function endOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
