import { lstatSync, statSync } from 'node:fs'
import { MS_REC, MS_SLAVE, out, syscall } from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import type { Config, ConfigMount } from '../config/config.js'
import type { ParsedMountOptions } from '../config/mount-options.js'
import { hasOwn, makesNew } from '../namespaces.js'
import { within, type Place, type RootView } from './root-view.js'

/** A mount of a config, with its options taken apart. */
export interface ParsedMount {
  readonly mount: ConfigMount
  readonly options: ParsedMountOptions
}

/** Files of `/proc` that lxcfs and others put their own in place of. Everything else there is the kernel's. */
const replaceable = [
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
]

/**
 * Refuses mounts in the container's `/proc`, which would deceive whoever writes security attributes there
 * (CVE-2019-16884, CVE-2019-19921), but for a few files.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`
 */
export function checkProc({ mount }: ParsedMount, { path }: Place, source: string | undefined): void {
  if (!within(path, '/proc') || replaceable.includes(path)) return
  const destination = JSON.stringify(mount.destination)
  if (path !== '/proc') {
    throw new RuntimeError(
      'ERR_RUNTIME_CONFIG',
      `${destination} cannot be mounted because it is inside /proc`,
    )
  }
  if (mount.type === 'proc' || (source !== undefined && isProc(source))) return
  throw new RuntimeError(
    'ERR_RUNTIME_CONFIG',
    `${destination} cannot be mounted because it is not of type proc`,
  )
}

/**
 * Refuses a `proc` or `sysfs` at a link or file of the image: what is later done in `/proc` and `/sys` relies on their
 * being there.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`
 */
export function checkOrdinaryFolder(view: RootView, { mount }: ParsedMount, path: string): void {
  if (mount.type !== 'proc' && mount.type !== 'sysfs') return
  const { kind } = view.find(path, { follow: false })
  if (kind !== 'link' && kind !== 'file') return
  throw new RuntimeError(
    'ERR_RUNTIME_START',
    `cannot mount at ${path}, which is a ${kind}: filesystem ${JSON.stringify(mount.type)} must be mounted on ordinary directory`,
  )
}

/** True for the root of a procfs. */
function isProc(path: string): boolean {
  const bytes = Buffer.alloc(120)
  syscall('statfs', path, out(bytes))
  return bytes.readBigInt64LE(0) === PROC_SUPER_MAGIC && statSync(path).ino === PROC_ROOT
}

const PROC_SUPER_MAGIC = 0x9fa0n
const PROC_ROOT = 1

/** File systems of the kernel's that it gives only to whoever owns the namespace that they show. */
const shownNamespaces = {
  sysfs: { namespace: 'network', path: '/sys' },
  proc: { namespace: 'pid', path: '/proc' },
  mqueue: { namespace: 'ipc', path: '/dev/mqueue' },
} as const

/**
 * In a user namespace the kernel refuses a new `sysfs`, `proc` or `mqueue` of a network, pid or IPC namespace that is
 * not the container's own. The container has the host's then, with the same options.
 */
export function withHostsOwn(config: Config, parsed: ParsedMount): ParsedMount {
  const { mount, options } = parsed
  if (!hasOwn(config.linux, 'user') || !Object.hasOwn(shownNamespaces, mount.type ?? '')) return parsed
  const { namespace, path } = shownNamespaces[mount.type as keyof typeof shownNamespaces]
  const owned = makesNew(config.linux, 'user')
    ? makesNew(config.linux, namespace)
    : hasOwn(config.linux, namespace)
  if (owned || lstatSync(path, { throwIfNoEntry: false }) === undefined) return parsed
  return {
    mount: { destination: mount.destination, source: path, type: 'bind' },
    options: {
      ...options,
      bind: 'rbind',
      propagation: [MS_SLAVE | MS_REC, ...options.propagation],
      recursiveSet: options.recursiveSet | options.attributesSet,
      superblock: [],
      data: [],
    },
  }
}

/** The mount's type says that it is a bind, too. */
export function bindOf({ mount: { type }, options }: ParsedMount): ParsedMountOptions['bind'] {
  if (options.bind !== false) return options.bind
  return type === 'bind' || type === 'rbind' ? type : false
}
