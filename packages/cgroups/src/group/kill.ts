import { join } from 'node:path'
import { CgroupError, isCgroupError } from '../errors.js'
import { codeOf, errnoOf, reason } from '../kernel/errno.js'
import { readFileIfThere, writeInterfaceFile } from '../kernel/interface-file.js'
import { subfolders } from '../kernel/subfolders.js'
import { freezerOf } from './freeze.js'
import { folderWith, unifiedFolder, type Group } from './group.js'
import { processesOf, refuseOwn } from './processes.js'
import { until, type WaitOptions } from './wait.js'

/** Signals every process of the group; see `Cgroup.kill`. */
export async function killGroup(
  group: Group,
  name: NodeJS.Signals,
  { timeoutMs = 10_000, signal }: WaitOptions = {},
): Promise<void> {
  const pids = processesOf(group)
  if (pids.length === 0) return
  refuseOwn('kill', group, pids)
  if (name !== 'SIGKILL') {
    await signalAll(group, name, signal)
    return
  }
  const gone = async () => {
    await strike(group, signal)
    return processesOf(group).length === 0
  }
  const deadline = performance.now() + timeoutMs
  for (let wait = 16; !(await gone()); wait = Math.min(wait * 2, 256)) {
    // what was struck needs a moment to die; what is still there then forked in between
    const left = deadline - performance.now()
    if (await until(() => processesOf(group).length === 0, Math.min(wait, left), signal)) return
    if (left <= 0) throw survivors(group, timeoutMs)
  }
}

/** One blow with SIGKILL: `cgroup.kill` where there is one, and by hand for what it does not reach. */
async function strike(group: Group, signal: AbortSignal | undefined): Promise<void> {
  const unified = unifiedFolder(group)
  const switchFile = unified === undefined ? undefined : join(unified, 'cgroup.kill')
  if (switchFile !== undefined) {
    unlessGone(() => writeInterfaceFile(switchFile, '1')) // not before Linux 5.14, nor in a threaded group
  }
  const freezer = freezerOf(group)
  await signalAll(group, 'SIGKILL', signal)
  unlessGone(() => freezer?.set(false)) // frozen by v1, a process dies only when thawed
  if (freezer !== undefined) thawBelow(freezer.folder)
}

/** Groups below that have been frozen by themselves; on v2, where there is no such file, they die as they are. */
function thawBelow(folder: string): void {
  for (const name of unlessGone(() => subfolders(folder)) ?? []) {
    const below = join(folder, name)
    unlessGone(() => writeInterfaceFile(join(below, 'freezer.state'), 'THAWED'))
    thawBelow(below)
  }
}

/**
 * Signals everybody while nobody can fork or end, so that none is missed and no pid is used again in
 * between. Without a v1 freezer the processes run on meanwhile. A group that was frozen stays so.
 */
async function signalAll(group: Group, name: NodeJS.Signals, signal: AbortSignal | undefined): Promise<void> {
  const v1 = folderWith(group, 'freezer')
  const freezer = v1?.mount.version === 1 ? freezerOf(group) : undefined
  const was = v1 && readFileIfThere(join(v1.folder, 'freezer.self_freezing'))?.trim() === '1'
  try {
    if (freezer && !was) {
      unlessGone(() => freezer.set(true))
      // not waiting for stragglers: whoever asked to kill them all strikes again
      await until(() => unlessGone(() => freezer.isFrozen()) ?? true, 50, signal)
    }
    for (const pid of processesOf(group)) send(group, pid, name)
  } finally {
    if (freezer && !was) unlessGone(() => freezer.set(false))
  }
}

/** Does something to the group's files; nothing when they are missing, as someone else may remove the group. */
function unlessGone<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isCgroupError(error) && ['ENOENT', 'ENODEV', 'ENOTSUP'].includes(error.errno ?? '')) return undefined
    throw error
  }
}

function send(group: Group, pid: number, name: NodeJS.Signals): void {
  // 0 stands for a process of another pid namespace; to kill(2) it would mean our own process group
  if (!(pid > 0)) return
  try {
    process.kill(pid, name)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ESRCH') return
    throw new CgroupError(
      codeOf(errno),
      `cannot send ${name} to process ${pid} of ${group.path}: ${reason(error)}`,
      {
        path: group.path,
        errno,
        cause: error,
      },
    )
  }
}

function survivors(group: Group, timeoutMs: number): CgroupError {
  const pids = processesOf(group)
  const shown = pids.slice(0, 8).map((pid) => (pid === 0 ? 'one of another pid namespace' : String(pid)))
  return new CgroupError(
    'ERR_CGROUP_TIMEOUT',
    `cannot kill all of ${group.path} within ${timeoutMs} ms: ${pids.length} processes are left (${shown.join(', ')})`,
    { path: group.path },
  )
}
