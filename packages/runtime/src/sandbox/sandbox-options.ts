import type { Resources } from '@ctr/cgroups'
import type { Rlimit, RlimitType } from '@ctr/namespaces'
import { RuntimeError } from '../errors.js'
import { parseDeviceRule } from './device-rule.js'
import { checkSystemPaths, type SystemPathsOption } from './system-paths.js'
import { parseTmpfs } from './tmpfs.js'

/** A device of the host in a container. */
export interface HostDevice {
  /** Path of the node on the host, or of a folder with nodes, below `/dev`. */
  readonly source: string
  /** Path in the container, below `/dev`. Default: the same. */
  readonly target?: string | undefined
  /** Letters of `rwm`: read, write, mknod(2). Default all three. */
  readonly access?: string | undefined
}

/** A limit of processes; see getrlimit(2) for what is counted in which unit. */
export interface ProcessLimit {
  readonly type: RlimitType
  readonly soft: number | 'unlimited'
  readonly hard: number | 'unlimited'
}

/** How far a container is apart from the host, beyond what every one has. Root's only, but for `groups` and `oomScoreAdj`. */
export interface SandboxOptions {
  /**
   * A first process that passes signals on to the program and reaps what that leaves behind: `docker-init`,
   * `tini-static` or `catatonit` of the host, mounted at `/sbin/docker-init`. Default false.
   */
  readonly init?: boolean | undefined
  /**
   * Everything that the caller may do itself: its capabilities, every device of the host, no seccomp filter, nothing
   * hidden or read-only. Default false.
   */
  readonly privileged?: boolean | undefined
  readonly devices?: readonly HostDevice[] | undefined
  /** Further access to devices, in words of v1's `devices.allow`: `c 13:* rwm`. */
  readonly deviceRules?: readonly string[] | undefined
  /** New file systems in memory by their paths, with mount options: `{ '/run': 'size=64m,exec' }`. */
  readonly tmpfs?: Readonly<Record<string, string>> | undefined
  readonly rlimits?: readonly ProcessLimit[] | undefined
  /** Whose processes it sees: its own, those of the host, those of another container: `'container:NAME'`. */
  readonly pid?: string | undefined
  /**
   * Whose System V IPC, message queues and `/dev/shm`: its own, those of the host, those of another container
   * (`'container:NAME'`), or its own without `/dev/shm` (`'none'`). Default `'private'`.
   */
  readonly ipc?: string | undefined
  /** Whose host name. Default `'private'`. */
  readonly uts?: 'private' | 'host' | undefined
  /** Whether `/proc/self/cgroup` begins at its own group. Default `'private'`. */
  readonly cgroupNamespace?: 'private' | 'host' | undefined
  /** Groups of the user beside its own, by names or numbers. */
  readonly groups?: readonly string[] | undefined
  /** -1000 (never) to 1000: how soon its processes are killed when memory runs out. */
  readonly oomScoreAdj?: number | undefined
  /** Further limits, in the words of `@ctr/cgroups`. Where one is also said otherwise this holds. */
  readonly resources?: Omit<Resources, 'devices' | 'unified'> | undefined
  /** What of `/proc` and `/sys` is hidden or read-only; `'unconfined'`: nothing. Default `'default'`. */
  readonly systemPaths?: SystemPathsOption | undefined
  /** NIS domain name. */
  readonly domainname?: string | undefined
}

const ofRoot = [
  'init',
  'privileged',
  'devices',
  'deviceRules',
  'rlimits',
  'pid',
  'ipc',
  'uts',
  'cgroupNamespace',
  'resources',
] as const

/**
 * Checks what can be checked before anything is made.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function checkSandbox(
  options: SandboxOptions & { readonly hostname?: string | undefined },
  { ownUsers }: { readonly ownUsers: boolean },
): void {
  const name = ofRoot.find((each) => isAsked(options[each]))
  if (ownUsers && name !== undefined)
    throw invalid(
      `cannot use ${name} in a user namespace: it is for containers in that of the host, which root starts`,
    )
  const { pid = 'private', ipc = 'private', devices = [], uts, hostname, domainname = '' } = options
  const { oomScoreAdj = 0 } = options
  if (!/^(private|host|container:.+)$/s.test(pid))
    throw invalid(
      `cannot use the processes of ${JSON.stringify(pid)}: private, host and container:NAME are there`,
    )
  if (!/^(private|host|none|container:.+)$/s.test(ipc))
    throw invalid(
      `cannot use the IPC of ${JSON.stringify(ipc)}: private, host, none and container:NAME are there`,
    )
  if (uts === 'host' && (hostname !== undefined || domainname !== ''))
    throw invalid("cannot set the host name of a container that has the host's")
  if (Buffer.byteLength(domainname) > 64 || domainname.includes('\0'))
    throw invalid(`cannot use the domain name ${JSON.stringify(domainname)}: at most 64 bytes`)
  for (const { source, target = source, access = 'rwm' } of devices) checkDevice(source, target, access)
  checkSystemPaths(options.systemPaths)
  for (const rule of options.deviceRules ?? []) parseDeviceRule(rule)
  for (const [path, text] of Object.entries(options.tmpfs ?? {})) parseTmpfs(path, text)
  if (!(Number.isInteger(oomScoreAdj) && Math.abs(oomScoreAdj) <= 1000))
    throw invalid(`cannot set oomScoreAdj to ${oomScoreAdj}: it must be a whole number from -1000 to 1000`)
  for (const { type, soft, hard } of options.rlimits ?? []) {
    for (const value of [soft, hard]) {
      if (value !== 'unlimited' && !(Number.isSafeInteger(value) && value >= 0))
        throw invalid(`cannot set ${type} to ${value}: it must be a whole number, or unlimited`)
    }
    if (hard !== 'unlimited' && (soft === 'unlimited' || soft > hard))
      throw invalid(`cannot set ${type} to ${soft}: its hard limit is ${hard}`)
  }
}

/** Limits in the terms of the kernel. */
export function rlimitsOf(limits: readonly ProcessLimit[]): readonly Rlimit[] {
  const number = (value: number | 'unlimited'): number | bigint =>
    value === 'unlimited' ? 2n ** 64n - 1n : value
  return limits.map(({ type, soft, hard }) => ({ type, soft: number(soft), hard: number(hard) }))
}

function checkDevice(source: string, target: string, access: string): void {
  for (const path of [source, target]) {
    if (!/^\/dev\/./.test(path) || path.split('/').includes('..') || path.includes('\0'))
      throw invalid(
        `cannot use the device ${JSON.stringify(path)}: its path must be below /dev, without ".."`,
      )
  }
  if (!/^[rwm]{1,3}$/.test(access))
    throw invalid(
      `cannot use the device ${source}: its access is ${JSON.stringify(access)}, and must be of rwm`,
    )
}

function isAsked(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return value !== undefined && value !== false && value !== 'private'
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
