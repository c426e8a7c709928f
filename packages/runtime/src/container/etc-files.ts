import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostnameFile, hostsFile, resolvConf } from '@ctr/netbridge'
import type { Bind } from '../setup/container-setup.js'
import type { Context } from '../context.js'
import type { ContainerRecord } from './record.js'

/**
 * Writes the files that tell a container who and where it is, and says where they are to be mounted. They lie
 * beside its record, so the image stays as it is and they do not show as changes.
 */
export function writeEtcFiles(context: Context, record: ContainerRecord, address: string | undefined): Bind[] {
  const folder = context.records.folder(record.id)
  const onHost = record.network.mode === 'host'
  const texts: Record<string, string> = {
    hostname: hostnameFile(record.hostname),
    hosts: onHost && existsSync('/etc/hosts') ? readFileSync('/etc/hosts', 'utf8') : hostsFile({ hostname: record.hostname, addresses: address === undefined ? [] : [address] }),
    'resolv.conf': onHost ? context.host.resolvConf : resolvConf({ host: context.host.resolvConf }),
  }
  return Object.entries(texts).map(([name, text]) => {
    const source = join(folder, name)
    writeFileSync(source, text)
    return { source, target: targetOf(record, `/etc/${name}`), readOnly: false, kind: 'file' as const }
  })
}

/** On a copy of the host, `/etc/resolv.conf` may be a link into `/run`, which is not copied: its end is meant. */
function targetOf(record: ContainerRecord, path: string): string {
  if (record.rootfs !== '/') return path
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
