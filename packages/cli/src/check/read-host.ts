import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { detectHierarchy } from '@ctr/cgroups'
import { syscall } from '@ctr/linux'
import type { HostFacts } from './feature.js'
import { parseKernelConfig } from './kernel-config.js'

/** Reads what can be known of this host without changing it. What cannot be read counts as absent. */
export function readHost(): HostFacts {
  const { mode, controllers } = detectHierarchy()
  const { text, source } = readConfig()
  const memory = controllers.get('memory')
  return {
    config: parseKernelConfig(text),
    configSource: source,
    fileSystems: new Set(
      read('/proc/filesystems')
        .split('\n')
        .map((line) => line.split('\t').at(-1)!),
    ),
    namespaces: new Set(list('/proc/self/ns')),
    controllers: new Set(controllers.keys()),
    cgroupMode: mode,
    maxUserNamespaces: Number(read('/proc/sys/user/max_user_namespaces')),
    seccompActions: new Set(read('/proc/sys/kernel/seccomp/actions_avail').trim().split(' ').filter(Boolean)),
    accountsSwap: memory !== undefined && accountsSwap(memory.version, memory.mountpoint, memory.ownPath),
    hasNetfilter: hasNetfilter(),
    forwardsPackets: read('/proc/sys/net/ipv4/ip_forward').trim() === '1',
  }
}

/** Where kernels keep their configuration: in themselves, or beside their image. */
function readConfig(): { readonly text: string; readonly source: string | undefined } {
  for (const path of ['/proc/config.gz', `/boot/config-${release()}`, `/lib/modules/${release()}/config`]) {
    if (!existsSync(path)) continue
    try {
      const bytes = readFileSync(path)
      return {
        text: (path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: 16 * 2 ** 20 }) : bytes).toString(
          'utf8',
        ),
        source: path,
      }
    } catch {
      continue // not for us to read
    }
  }
  return { text: '', source: undefined }
}

function accountsSwap(version: 1 | 2, mountpoint: string, ownPath = '/'): boolean {
  if (version === 1) return existsSync(join(mountpoint, 'memory.memsw.limit_in_bytes'))
  // the topmost group has no limits: one below it is asked, the first that there is
  const groups = [join(mountpoint, ownPath), ...list(mountpoint).map((name) => join(mountpoint, name))]
  return groups.some((folder) => existsSync(join(folder, 'memory.swap.max')))
}

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const NETLINK_NETFILTER = 12

/** Opens a socket to netfilter, which the kernel refuses where it has none. */
function hasNetfilter(): boolean {
  try {
    syscall('close', syscall('socket', AF_NETLINK, SOCK_RAW + SOCK_CLOEXEC, NETLINK_NETFILTER))
    return true
  } catch {
    return false
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
