import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { architecture } from '@ctr/linux'
import { parseResolvConf } from '@ctr/netbridge'
import { compileSeccomp, type SeccompFilter } from './seccomp/compile.js'
import { defaultFilter } from './seccomp/default-filter.js'
import { defaultSeccompProfile } from './security/default-seccomp-profile.js'
import type { MaskedPath } from './setup/hide.js'
import { capabilitiesOfMask, type Capability } from './security/capability.js'
import { defaultReadonlyPaths, maskedPaths } from './security/hidden-paths.js'
import { kindsOf } from './sandbox/system-paths.js'
import { resolveSeccompProfile } from './security/resolve-seccomp-profile.js'
import type { SeccompProfile } from './security/seccomp-profile.js'

/** Facts of the host that do not change while it runs, read when they are first needed. */
export class Host {
  #bootId: string | undefined
  #maskedPaths: readonly MaskedPath[] | undefined
  #readOnlyPaths: readonly string[] | undefined
  #resolvConf: string | undefined
  readonly #filters = new Map<string, Uint8Array>()
  #ownFilter: { readonly key: string; readonly filter: SeccompFilter } | undefined

  /** Identifies this boot (`/proc/sys/kernel/random/boot_id`). */
  get bootId(): string {
    this.#bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return this.#bootId
  }

  /** Paths to hide that this kernel has, and what they are. `/proc` and `/sys` of a container have the same. */
  get maskedPaths(): readonly MaskedPath[] {
    this.#maskedPaths ??= kindsOf(maskedPaths(readFileSync('/sys/devices/system/cpu/possible', 'utf8')))
    return this.#maskedPaths
  }

  /** Paths to make read-only that this kernel has. */
  get readOnlyPaths(): readonly string[] {
    this.#readOnlyPaths ??= defaultReadonlyPaths.filter((path) => existsSync(path))
    return this.#readOnlyPaths
  }

  /**
   * Whether open_tree(2) copies mounts that are not attached anywhere, as from Linux 6.15 on. Before that a warm root
   * cannot be given to a container.
   */
  get clonesDetachedMounts(): boolean {
    const [major = 0, minor = 0] = release().split('.').map(Number)
    return major > 6 || (major === 6 && minor >= 15)
  }

  /** The host's name resolution; empty where it has none. */
  get resolvConf(): string {
    this.#resolvConf ??= readIfThere('/etc/resolv.conf')
    return this.#resolvConf
  }

  /**
   * The same for networks of their own: where systemd-resolved stands in between, at an address that only the host
   * reaches, those whom it asks.
   */
  get resolvConfOfOthers(): string {
    const { nameservers } = parseResolvConf(this.resolvConf)
    const stub = nameservers.length === 1 && nameservers[0] === '127.0.0.53'
    return (stub ? readIfThere('/run/systemd/resolve/resolv.conf') : '') || this.resolvConf
  }

  /** What this process may do and hand on. */
  get capabilities(): readonly Capability[] {
    const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'
    return capabilitiesOfMask(BigInt(`0x${mask}`))
  }

  /** The default seccomp filter for a set of capabilities, compiled once. */
  seccompFilter(capabilities: readonly string[]): Uint8Array {
    const key = capabilities.join()
    let filter = this.#filters.get(key)
    if (filter === undefined) {
      filter = defaultFilter(capabilities, architecture(), release()) ?? compileFilter(capabilities)
      this.#filters.set(key, filter)
    }
    return filter
  }

  /**
   * The filter of a profile for a set of capabilities. The last one is kept: containers of one program often have the
   * same, and `exec` needs it again.
   */
  filterOf(profile: SeccompProfile, capabilities: readonly string[]): SeccompFilter {
    const key = JSON.stringify([profile, capabilities])
    if (this.#ownFilter?.key !== key) {
      const facts = { capabilities, architecture: architecture(), kernelVersion: release() }
      const filter = compileSeccomp(resolveSeccompProfile(profile, facts), facts)
      this.#ownFilter = { key, filter }
    }
    return this.#ownFilter.filter
  }
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function compileFilter(capabilities: readonly string[]): Uint8Array {
  const profile = defaultSeccompProfile({
    capabilities,
    architecture: architecture(),
    kernelVersion: release(),
  })
  return compileSeccomp(profile, { architecture: architecture() }).program
}

/** When a process began, in clock ticks since boot (field 22 of proc_pid_stat(5)); undefined when it is gone. */
export function startTicks(pid: number): string | undefined {
  return statFields(pid)?.[19]
}

/**
 * How a process has ended whose parent has not waited for it yet, which may take a slow init seconds: its wait
 * status (field 52 of proc_pid_stat(5)). Needs root.
 *
 * @param ticks - When the process began: tells it from a later one of the same number.
 * @returns Undefined when it runs, or is gone.
 */
export function zombieStatus(pid: number, ticks: string | null): number | undefined {
  const fields = statFields(pid)
  if (fields?.[0] !== 'Z' || fields[19] !== ticks || process.geteuid?.() !== 0) return undefined
  return Number(fields[49])
}

/** True when a process has ended, also one that nobody has waited for yet. */
export function hasEnded(pid: number, ticks: string | null): boolean {
  const fields = statFields(pid)
  return fields === undefined || fields[19] !== ticks || fields[0] === 'Z' || fields[0] === 'X'
}

/** The kernel's flag of a process that has begun to end (`PF_EXITING` in field 9 of proc_pid_stat(5)). */
const exiting = 0x4

/**
 * True from when a process begins to end, which is before what it leaves alone in its pid namespace is killed: when none
 * of its threads goes on.
 */
export function isEnding(pid: number, ticks: string | null): boolean {
  const leader = statFields(pid)
  if (leader?.[19] !== ticks) return true
  if (!isExiting(leader)) return false
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => isExiting(statFields(`${pid}/task/${thread}`)))
  } catch {
    return true // it is gone
  }
}

function isExiting(fields: readonly string[] | undefined): boolean {
  return fields === undefined || (Number(fields[6]) & exiting) !== 0
}

/** From field 3 on, the state: what comes before may hold blanks. */
function statFields(pid: number | string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .trimEnd()
      .split(' ')
  } catch {
    return undefined
  }
}
