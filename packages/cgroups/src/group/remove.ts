import { rmdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { AT_FDCWD, AT_REMOVEDIR, execute, Program } from '@ctr/linux'
import { CgroupError } from '../errors.js'
import { errnoOf, pathError } from '../kernel/errno.js'
import { subfolders } from '../kernel/subfolders.js'
import type { Group } from './group.js'
import { processesIn } from './processes.js'
import { until, type WaitOptions } from './wait.js'

/** Removes the group with all groups below it; see `Cgroup.remove`. */
export async function removeGroup(
  group: Group,
  { timeoutMs = 2000, signal }: WaitOptions = {},
): Promise<void> {
  const failed = new Map<string, CgroupError>()
  let left = signal?.aborted === true ? foldersOf(group) : await removeBeside(foldersOf(group))
  const gone = await until(
    () => {
      left = left.filter((folder) => !attempt(folder, failed))
      return left.length === 0
    },
    timeoutMs,
    signal,
  )
  const errors = [...(gone ? [] : left.map((folder) => busy(folder, timeoutMs))), ...failed.values()]
  if (errors.length === 1) throw errors[0]!
  if (errors.length > 1)
    throw new CgroupError(
      errors[0]!.code,
      `cannot remove ${group.path}: ${errors.map(({ message }) => message).join('; ')}`,
      {
        path: group.path,
        errno: errors[0]!.errno,
        cause: new AggregateError(errors),
      },
    )
}

function foldersOf({ folders }: Group): string[] {
  return folders.map(({ folder }) => folder)
}

/**
 * Removes folders that nothing is in, on a thread of the pool: for each the kernel waits for others who change groups.
 *
 * @returns Those that are left.
 */
async function removeBeside(folders: readonly string[]): Promise<string[]> {
  const program = new Program()
  const calls = folders.map((folder) =>
    program.call('unlinkat', [AT_FDCWD, folder, AT_REMOVEDIR], {
      tolerate: ['ENOENT', 'EBUSY', 'ENOTEMPTY'],
    }),
  )
  try {
    const results = await execute(program)
    return folders.filter((_folder, at) => ![0, -constants.errno.ENOENT].includes(results.get(calls[at]!)))
  } catch {
    return [...folders] // tried again one by one, which tells what is wrong with each
  }
}

/** True when there is nothing more to do: removed, or failed for good. */
function attempt(folder: string, failed: Map<string, CgroupError>): boolean {
  try {
    return removeTree(folder)
  } catch (error) {
    failed.set(folder, pathError('remove', folder, error))
    return true
  }
}

/** True when the folder is gone, false when the kernel says that it is in use. */
function removeTree(folder: string): boolean {
  if (removeOne(folder)) return true
  // in use: by groups below, which go first, or by processes that are not quite dead
  const cleared = subfolders(folder).map((name) => removeTree(join(folder, name)))
  return cleared.every(Boolean) && cleared.length > 0 && removeOne(folder)
}

function removeOne(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return true
    if (errno === 'EBUSY' || errno === 'ENOTEMPTY') return false
    throw error
  }
}

function busy(folder: string, timeoutMs: number): CgroupError {
  const pids = processesIn(folder)
  const why =
    pids.length === 0
      ? 'the kernel holds it'
      : `it has processes (${pids.slice(0, 8).join(', ')}), kill() them first`
  return new CgroupError('ERR_CGROUP_BUSY', `cannot remove ${folder} within ${timeoutMs} ms: ${why}`, {
    path: folder,
    errno: 'EBUSY',
  })
}
