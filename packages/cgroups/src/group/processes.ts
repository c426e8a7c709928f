import { statSync } from 'node:fs'
import { join } from 'node:path'
import { CgroupError, isCgroupError } from '../errors.js'
import { readFileIfThere } from '../kernel/interface-file.js'
import { subfolders } from '../kernel/subfolders.js'
import type { Group } from './group.js'

/**
 * Processes of a group and the groups below it, in any of its hierarchies.
 *
 * @returns Their ids, ascending. 0 stands for processes that this pid namespace does not show.
 */
export function processesOf(group: Group): number[] {
  const found = new Set<number>()
  for (const { folder } of group.folders) collect(folder, found)
  return [...found].sort((a, b) => a - b)
}

/** {@link processesOf}, in the group's folder in one hierarchy. */
export function processesIn(folder: string): number[] {
  const found = new Set<number>()
  collect(folder, found)
  return [...found]
}

function collect(folder: string, found: Set<number>): void {
  for (const line of list(folder).split('\n')) {
    if (line !== '') found.add(Number(line))
  }
  // a group's link count is 2 and its children: most have none, and that costs one call to know
  if ((statSync(folder, { throwIfNoEntry: false })?.nlink ?? 2) === 2) return
  for (const name of subfolders(folder)) collect(join(folder, name), found)
}

function list(folder: string): string {
  try {
    return readFileIfThere(join(folder, 'cgroup.procs')) ?? ''
  } catch (error) {
    // EOPNOTSUPP, which Node names so: a threaded v2 group, which what is inside can make of itself
    if (!isCgroupError(error) || error.errno !== 'ENOTSUP') throw error
    const threads = readFileIfThere(join(folder, 'cgroup.threads')) ?? ''
    return threads.split('\n').filter(Boolean).map(processOf).join('\n')
  }
}

/** The process of a thread; the thread itself when it has just ended, or is not shown here. */
function processOf(thread: string): string {
  try {
    return /^Tgid:\s*(\d+)$/m.exec(readFileIfThere(`/proc/${thread}/status`) ?? '')?.[1] ?? thread
  } catch (error) {
    if (isCgroupError(error) && error.errno === 'ESRCH') return thread
    throw error
  }
}

/** Throws when this process is among `pids`: freezing or killing itself half-way would help nobody. */
export function refuseOwn(action: string, group: Group, pids: readonly number[]): void {
  if (!pids.includes(process.pid)) return
  throw new CgroupError(
    'ERR_CGROUP_BUSY',
    `cannot ${action} ${group.path}: it holds this very process (${process.pid})`,
    {
      path: group.path,
    },
  )
}
