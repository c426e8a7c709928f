import {
  AT_FDCWD,
  CLONE_CLEAR_SIGHAND,
  CLONE_NEWCGROUP,
  CLONE_NEWTIME,
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  O_CLOEXEC,
  O_WRONLY,
  PR_SET_DUMPABLE,
  Struct,
  type Program,
} from '@ctr/linux'
import { flagsOf, type ResolvedSources } from '../source.js'

/** Offsets of the clocks in a new time namespace, in nanoseconds; see time_namespaces(7). */
export interface TimeOffsets {
  readonly monotonicNs?: bigint | undefined
  readonly boottimeNs?: bigint | undefined
}

/** Kinds that begin with the clone itself; the cgroup and time namespaces are made by the child later. */
export function cloneFlags(sources: ResolvedSources): number {
  const nested = joinsPid(sources)
  return flagsOf(
    sources.made.filter((kind) => kind !== 'cgroup' && kind !== 'time' && !(nested && kind === 'pid')),
  )
}

/** Adds becoming root of the user namespace that the child is in. */
export function becomeRoot(program: Program): void {
  program.call('setresgid', [0, 0, 0])
  program.call('setresuid', [0, 0, 0])
}

/**
 * Joins namespaces, in order. A process cannot change its own pid namespace: where one is joined, the child
 * clones itself once more, as a sibling (`CLONE_PARENT`), and leaves.
 *
 * The memory is still shared with the caller's process, so before anything inside can see the child it makes
 * itself undumpable: nobody inside can then attach to it or read through it.
 */
export function joinNamespaces(program: Program, sources: ResolvedSources): void {
  if (sources.joins.length === 0) return
  program.step('join namespaces')
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
  for (const { fd, kinds: all } of sources.joins) {
    const kinds = all.filter((kind) => kind !== 'time')
    if (kinds.length === 0) continue
    program.call('setns', [fd, flagsOf(kinds)], { step: `join the ${kinds.join(', ')} namespace` })
    if (kinds.includes('user')) becomeRoot(program)
  }
  if (!joinsPid(sources)) return
  program.call('clone3', [cloneOnceMore(), 88], { leave: true, step: 'enter the pid namespace' })
}

/** The descriptor of a time namespace that is joined. */
export function timeJoin({ joins }: ResolvedSources): number | undefined {
  return joins.find(({ kinds }) => kinds.includes('time'))?.fd
}

/** Joins a time namespace, which the kernel refuses (`EUSERS`) to a process that shares its memory. */
export function joinTime(program: Program, fd: number): void {
  program.step('join the time namespace').call('setns', [fd, CLONE_NEWTIME])
}

/** No exit signal: with `CLONE_PARENT` it is that of the process that leaves, and clone3 refuses another. */
function cloneOnceMore(): Struct {
  const bytes = Buffer.alloc(88)
  const flags = CLONE_VM + CLONE_VFORK + CLONE_PARENT + CLONE_CLEAR_SIGHAND
  bytes.writeBigUInt64LE(BigInt(flags), 0)
  return new Struct(bytes, '{flags: CLONE_VM|CLONE_VFORK|CLONE_PARENT|CLONE_CLEAR_SIGHAND}')
}

function joinsPid({ joins }: ResolvedSources): boolean {
  return joins.some(({ kinds }) => kinds.includes('pid'))
}

/** Makes the namespaces that can only be made once the child is where it belongs. */
export function makeLateNamespaces(
  program: Program,
  { made }: ResolvedSources,
  offsets: TimeOffsets | undefined,
): void {
  if (made.includes('cgroup')) {
    program.step('make the cgroup namespace').call('unshare', [CLONE_NEWCGROUP])
  }
  if (!made.includes('time')) return
  program.step('make the time namespace').call('unshare', [CLONE_NEWTIME])
  const text = offsetText(offsets ?? {})
  // root of a new user namespace may not write it: the file belongs to whom the process belonged to before
  if (text === '' || made.includes('user')) return
  const file = program.call('openat', [AT_FDCWD, '/proc/self/timens_offsets', O_WRONLY + O_CLOEXEC])
  program.call('write', [file, text, Buffer.byteLength(text)])
}

/** What sets the clocks, for `/proc/PID/timens_offsets`; empty when they stay as they are. */
export function offsetText(offsets: TimeOffsets): string {
  return Object.entries({ monotonic: offsets.monotonicNs, boottime: offsets.boottimeNs })
    .map(([clock, ns]) => (ns === undefined ? '' : `${clock} ${offsetFields(ns)}\n`))
    .join('')
}

function offsetFields(ns: bigint): string {
  const billion = 1_000_000_000n
  const rest = ((ns % billion) + billion) % billion
  return `${(ns - rest) / billion} ${rest}`
}
