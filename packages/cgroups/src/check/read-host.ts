import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { syscall } from '@ctr/linux'
import { isCgroupError } from '../errors.js'
import { detectHierarchy } from '../host/detect-hierarchy.js'
import type { Hierarchy, HierarchyMount } from '../host/hierarchy.js'
import { subfolders } from '../kernel/subfolders.js'
import type { HostFacts } from './host-facts.js'
import { parseKernelConfig } from './kernel-config.js'

/** Reads what can be known of this host without changing it. What cannot be read counts as absent. */
export function readHost(): HostFacts {
  const hierarchy = hierarchyIfThere()
  const { text, source } = readConfig()
  return {
    config: parseKernelConfig(text),
    configSource: source,
    cgroupMode: hierarchy?.mode,
    controllers: new Map([...(hierarchy?.controllers ?? [])].map(([name, { version }]) => [name, version])),
    interfaceFiles: new Set((hierarchy?.mounts ?? []).flatMap(filesIn)),
    fileSystems: new Set(
      read('/proc/filesystems')
        .split('\n')
        .map((line) => line.split('\t').at(-1)!),
    ),
    namespaces: new Set(list('/proc/self/ns')),
    maxUserNamespaces: Number(read('/proc/sys/user/max_user_namespaces')),
    seccompActions: new Set(read('/proc/sys/kernel/seccomp/actions_avail').trim().split(' ').filter(Boolean)),
    hasPressure: existsSync('/proc/pressure/cpu'),
    hasNetfilter: hasNetfilter(),
    forwardsPackets: read('/proc/sys/net/ipv4/ip_forward').trim() === '1',
  }
}

/** A host without control groups is what is asked about, not an error. */
function hierarchyIfThere(): Hierarchy | undefined {
  try {
    return detectHierarchy()
  } catch (error) {
    if (isCgroupError(error) && error.code === 'ERR_CGROUP_UNSUPPORTED') return undefined
    throw error
  }
}

/** The topmost group lacks some files; those below it, and our own, have them. */
function filesIn({ mountpoint, ownPath }: HierarchyMount): string[] {
  const below = subfolders(mountpoint).slice(0, 16)
  const groups = new Set(['', ownPath ?? '', ...below.map((name) => `/${name}`)])
  return [...groups].flatMap((group) => list(join(mountpoint, group)))
}

/** Where kernels keep their configuration: in themselves, or beside their image. */
function readConfig(): { readonly text: string; readonly source: string | undefined } {
  for (const path of ['/proc/config.gz', `/boot/config-${release()}`, `/lib/modules/${release()}/config`]) {
    if (!existsSync(path)) continue
    try {
      const bytes = readFileSync(path)
      const text = path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: 16 * 2 ** 20 }) : bytes
      return { text: text.toString('utf8'), source: path }
    } catch {
      continue // not for us to read
    }
  }
  return { text: '', source: undefined }
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
