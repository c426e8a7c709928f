import {
  messageWithFds,
  MSG_NOSIGNAL,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_SET_KEEPCAPS,
  PR_SET_NO_NEW_PRIVS,
  SECCOMP_SET_MODE_FILTER,
  Struct,
  Words,
  type Program,
} from '@ctr/linux'
import { dieWithParent } from '../attributes/parent-death.js'
import { closeDescriptors } from './execute.js'

/** Who a process is; see credentials(7). */
export interface User {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. Default none; undefined in a user namespace where `setgroups` is denied. */
  readonly groups?: readonly number[] | undefined
}

/** The five capability sets as numbers of capabilities; see capabilities(7). */
export interface CapabilitySets {
  readonly bounding: readonly number[]
  readonly effective: readonly number[]
  readonly permitted: readonly number[]
  readonly inheritable: readonly number[]
  readonly ambient: readonly number[]
}

/** What a process may do, from its `execve` on. */
export interface Credentials {
  readonly user?: User | undefined
  readonly capabilities?: CapabilitySets | undefined
  /** `execve` gives no new privileges: set-uid bits and file capabilities have no effect (prctl(2)). */
  readonly noNewPrivileges?: boolean | undefined
  /**
   * Signal, by number, that it is sent when this process ends. Not together with a gate, whose opener may be another
   * process.
   */
  readonly parentDeathSignal?: number | undefined
  /** A seccomp filter: `struct sock_filter`s, 8 bytes each; see seccomp(2). */
  readonly seccomp?: Uint8Array | undefined
  /** `SECCOMP_FILTER_FLAG_*`. */
  readonly seccompFlags?: number | undefined
  /**
   * A connected socket of ours that the descriptor of the filter's listener is sent to, by one `sendmsg` that the
   * filter must allow. `seccompFlags` must have `SECCOMP_FILTER_FLAG_NEW_LISTENER`.
   */
  readonly seccompListener?: number | undefined
}

const CAP_SYS_ADMIN = 21
const LINUX_CAPABILITY_VERSION_3 = 0x20080522

/** What must be known to take on credentials. */
export interface CredentialsContext {
  /** Descriptor that reports go to. */
  readonly report: number
  /** Number of the last capability that the kernel has (`/proc/sys/kernel/cap_last_cap`). */
  readonly lastCapability: number
  /** Descriptors from 3 on that the process has open. */
  readonly open: readonly number[]
}

/**
 * Takes on ids and capabilities and loads the seccomp filter, as late as each can be: a filter without
 * no_new_privs needs `CAP_SYS_ADMIN`, and must in turn allow what comes after it (`capset`, `prctl`,
 * `execve`).
 */
export function takeCredentials(
  program: Program,
  credentials: Credentials,
  { report, lastCapability, open }: CredentialsContext,
): void {
  const { parentDeathSignal, user, capabilities, noNewPrivileges = false, seccomp } = credentials
  if (capabilities !== undefined) {
    program.step('drop capabilities from the bounding set')
    for (let number = 0; number <= lastCapability; number++) {
      if (!capabilities.bounding.includes(number)) program.call('prctl', [PR_CAPBSET_DROP, number, 0, 0, 0])
    }
    program.call('prctl', [PR_SET_KEEPCAPS, 1, 0, 0, 0])
  }
  if (user !== undefined) takeUser(program, user)
  if (parentDeathSignal !== undefined) dieWithParent(program, parentDeathSignal, report)
  if (noNewPrivileges) program.step('set no_new_privs').call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0])
  if (seccomp !== undefined && !noNewPrivileges) {
    if (capabilities !== undefined) setCapabilities(program, withAdmin(capabilities))
    loadFilter(program, seccomp, credentials, open)
  }
  if (capabilities !== undefined) {
    setCapabilities(program, capabilities)
    program.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0])
    for (const number of capabilities.ambient)
      program.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0])
  }
  if (seccomp !== undefined && noNewPrivileges) loadFilter(program, seccomp, credentials, open)
}

function takeUser(program: Program, { uid, gid, groups }: User): void {
  program.step(`become user ${uid}:${gid}`)
  if (groups !== undefined) {
    const list = Buffer.alloc(groups.length * 4)
    groups.forEach((group, index) => list.writeUInt32LE(group, index * 4))
    program.call('setgroups', [groups.length, new Struct(list, `[${groups.join(', ')}]`)])
  }
  program.call('setresgid', [gid, gid, gid])
  program.call('setresuid', [uid, uid, uid])
}

function setCapabilities(program: Program, { effective, permitted, inheritable }: CapabilitySets): void {
  program.step('set capabilities')
  const header = Buffer.alloc(8)
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0)
  const data = Buffer.alloc(24)
  const masks = [effective, permitted, inheritable].map((set) => mask(set))
  masks.forEach((bits, index) => {
    data.writeUInt32LE(Number(bits & 0xffffffffn), index * 4)
    data.writeUInt32LE(Number(bits >> 32n), 12 + index * 4)
  })
  const [e, p, i] = masks.map((bits) => `0x${bits.toString(16)}`)
  program.call('capset', [
    new Struct(header, '{version: 3}'),
    new Struct(data, `{effective: ${e!}, permitted: ${p!}, inheritable: ${i!}}`),
  ])
}

function mask(set: readonly number[]): bigint {
  return set.reduce((bits, number) => bits | (1n << BigInt(number)), 0n)
}

function withAdmin(sets: CapabilitySets): CapabilitySets {
  return {
    ...sets,
    effective: [...sets.effective, CAP_SYS_ADMIN],
    permitted: [...sets.permitted, CAP_SYS_ADMIN],
  }
}

function loadFilter(
  program: Program,
  filter: Uint8Array,
  { seccompFlags = 0, seccompListener }: Credentials,
  open: readonly number[],
): void {
  const count = filter.length / 8
  const fprog = new Words([count, filter], `{${count} instructions}`)
  if (seccompListener !== undefined) closeDescriptors(program, 3, open)
  program.step('load the seccomp filter').call('seccomp', [SECCOMP_SET_MODE_FILTER, seccompFlags, fprog])
  if (seccompListener === undefined) return
  // the kernel takes the lowest number that is free, and the message must name it
  let listener = 3
  while (open.includes(listener)) listener++
  const message = messageWithFds([listener], Buffer.from('seccomp'))
  program.step('send the seccomp listener')
  program.call('sendmsg', [seccompListener, message, MSG_NOSIGNAL], { minimum: 1 })
}
