import { fstatSync } from 'node:fs'
import {
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  O_CLOEXEC,
  O_WRONLY,
  PR_SET_DUMPABLE,
  Struct,
  type Program,
} from '@ctr/linux'
import { ownerNamespace } from '../list/relations.js'
import { flagsOf, type Join, type ResolvedSources } from '../source.js'
import { mapCloneNote, NOTE_ADDRESS } from './clone-note.js'
import { pause, type PausePipes } from './pause.js'

/** Offsets of the clocks in a new time namespace, in nanoseconds; see time_namespaces(7). */
export interface TimeOffsets {
  readonly monotonicNs?: bigint | undefined
  readonly boottimeNs?: bigint | undefined
}

/**
 * Kinds that begin with the clone itself; the cgroup and time namespaces are made by the child later. Where a user
 * namespace is entered all are, for they shall belong to that one.
 */
export function cloneFlags(sources: ResolvedSources): number {
  if (entersUser(sources)) return 0
  const nested = joinsPid(sources)
  return flagsOf(
    sources.made.filter((kind) => kind !== 'cgroup' && kind !== 'time' && !(nested && kind === 'pid')),
  )
}

/** Adds becoming root of the user namespace that the child is in. */
function becomeRoot(program: Program): void {
  program.call('setresgid', [0, 0, 0])
  program.call('setresuid', [0, 0, 0])
}

/**
 * Joins namespaces, in order. A process cannot change its own pid namespace: where one is joined, it is entered
 * later, by {@link enterPid}, so that nobody inside sees the child yet. Before it joins any the child makes itself
 * undumpable, so that nobody with its ids can attach to it or read what it holds.
 */
export function joinNamespaces(program: Program, sources: ResolvedSources): void {
  if (sources.joins.length === 0) return
  program.step('join namespaces')
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
  for (const { fd, kinds: all } of inOrder(sources.joins)) {
    const kinds = all.filter((kind) => kind !== 'time')
    if (kinds.length === 0) continue
    program.call('setns', [fd, flagsOf(kinds)], { step: `join the ${kinds.join(', ')} namespace` })
    if (kinds.includes('user')) becomeRoot(program)
  }
}

/**
 * Makes the namespaces that belong to the user namespace that the child is in, or makes with them; those of others
 * have been joined by then, as inside there is no privilege for them.
 */
export function makeInUserNamespace(
  program: Program,
  sources: ResolvedSources,
  pipes: PausePipes | undefined,
): void {
  if (!entersUser(sources)) return
  const made = sources.made.filter((kind) => !['cgroup', 'time', 'pid'].includes(kind))
  if (made.length > 0) program.step('make namespaces').call('unshare', [flagsOf(made)])
  if (pipes !== undefined && made.includes('user')) waitForIdMaps(program, pipes)
}

/**
 * Adds the wait until the parent has written the id maps, and becoming root of the new user namespace. Meanwhile the
 * child is dumpable: the files of an undumpable process belong to root, and an ordinary user could not write its maps.
 */
function waitForIdMaps(program: Program, pipes: PausePipes): void {
  program.step('wait for the id maps').call('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0])
  pause(program, pipes)
  becomeRoot(program)
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
}

/**
 * True when the child comes under the power of others on its way: of processes in a pid namespace that it enters, and
 * of all that have the ids of the user namespace that it is in then, and may send it signals wherever they see it.
 */
export function meetsOthers(sources: ResolvedSources): boolean {
  return joinsPid(sources) || entersUser(sources)
}

/** True when the child enters a pid namespace by cloning itself once more. */
export function entersPid(sources: ResolvedSources): boolean {
  return joinsPid(sources) || (entersUser(sources) && sources.made.includes('pid'))
}

/**
 * Adds entering the pid namespace: the process clones itself as a sibling (`CLONE_PARENT`), and leaves. Whoever may
 * trace processes in there, or stop them, does so from now on, so the process has nothing of ours by then.
 *
 * @param note - See {@link openCloneNote}.
 */
export function enterPid(program: Program, sources: ResolvedSources, note: number): void {
  const makes = entersUser(sources) && sources.made.includes('pid')
  program.step('enter the pid namespace')
  mapCloneNote(program, note)
  program.call('clone3', [cloneOnceMore(makes), 88], { leave: true })
}

/**
 * A user namespace is joined once those are that do not belong to it: inside there is no privilege for them. Those of
 * a pidfd are joined all at once, for which the kernel finds the order.
 */
function inOrder(joins: readonly Join[]): readonly Join[] {
  const user = joins.find(({ kinds }) => kinds.length === 1 && kinds[0] === 'user')
  if (user === undefined) return joins
  const { ino } = fstatSync(user.fd)
  const foreign = joins.filter((join) => join !== user && ownerNamespace(join.fd) !== ino)
  return [...foreign, ...joins.filter((join) => !foreign.includes(join))]
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
function cloneOnceMore(makesPid: boolean): Struct {
  const bytes = Buffer.alloc(88)
  bytes.writeBigUInt64LE(BigInt(CLONE_PARENT + CLONE_PARENT_SETTID + (makesPid ? CLONE_NEWPID : 0)), 0)
  bytes.writeBigUInt64LE(BigInt(NOTE_ADDRESS), 24) // parent_tid
  return new Struct(bytes, `{flags: CLONE_PARENT|CLONE_PARENT_SETTID${makesPid ? '|CLONE_NEWPID' : ''}}`)
}

/** True when it is in another user namespace in the end: a new one, or one that it joins. */
function entersUser({ made, joins }: ResolvedSources): boolean {
  return made.includes('user') || joins.some(({ kinds }) => kinds.includes('user'))
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
