import { join } from 'node:path'
import { CgroupError } from '../errors.js'
import { readInterfaceFile, writeInterfaceFile } from '../kernel/interface-file.js'
import { parseFlatKeyed } from '../stats/parse-flat-keyed.js'
import { folderWith, unifiedFolder, type Group } from './group.js'
import { processesIn, refuseOwn } from './processes.js'
import { until, type WaitOptions } from './wait.js'

/** A freezer of a group: how to ask for a state, and how to see it. */
interface Freezer {
  readonly folder: string
  readonly set: (frozen: boolean) => void
  readonly isFrozen: () => boolean
}

/** The group's freezer, that of v1 before that of v2, or `undefined`. */
export function freezerOf(group: Group): Freezer | undefined {
  const v1 = folderWith(group, 'freezer')
  if (v1?.mount.version === 1) {
    const { folder } = v1
    const file = join(folder, 'freezer.state')
    return {
      folder,
      set: (frozen) => writeInterfaceFile(file, frozen ? 'FROZEN' : 'THAWED'),
      isFrozen: () => readInterfaceFile(file).trim() === 'FROZEN', // FREEZING: not all have stopped yet
    }
  }
  const folder = unifiedFolder(group)
  if (folder === undefined) return undefined
  return {
    folder,
    set: (frozen) => writeInterfaceFile(join(folder, 'cgroup.freeze'), frozen ? '1' : '0'),
    isFrozen: () => parseFlatKeyed(readInterfaceFile(join(folder, 'cgroup.events'))).get('frozen') === 1,
  }
}

/** Stops every process of the group; see `Cgroup.freeze`. */
export async function freezeGroup(
  group: Group,
  { timeoutMs = 10_000, signal }: WaitOptions = {},
): Promise<void> {
  const freezer = needFreezer('freeze', group)
  refuseOwn('freeze', group, processesIn(freezer.folder))
  let asked = 0
  let frozen = false
  try {
    freezer.set(true)
    frozen = await until(
      () => {
        if (freezer.isFrozen()) return true
        // v1 can stay FREEZING for ever when a process forks at the wrong moment: thaw and ask again
        if (++asked % 8 === 0) {
          freezer.set(false)
          freezer.set(true)
        }
        return false
      },
      timeoutMs,
      signal,
    )
  } finally {
    if (!frozen) freezer.set(false)
  }
  if (!frozen)
    throw late(
      'freeze',
      group,
      timeoutMs,
      'a process did not stop, as one in uninterruptible sleep; it was thawed again',
    )
}

/** Lets every process of the group go on; see `Cgroup.thaw`. */
export async function thawGroup(
  group: Group,
  { timeoutMs = 10_000, signal }: WaitOptions = {},
): Promise<void> {
  const freezer = needFreezer('thaw', group)
  freezer.set(false)
  if (await until(() => !freezer.isFrozen(), timeoutMs, signal)) return
  throw late('thaw', group, timeoutMs, 'it is still frozen, a group above it may be')
}

/** True when every process of the group is stopped; see `Cgroup.isFrozen`. */
export function isGroupFrozen(group: Group): boolean {
  return freezerOf(group)?.isFrozen() ?? false
}

function needFreezer(action: string, group: Group): Freezer {
  const freezer = freezerOf(group)
  if (freezer) return freezer
  throw new CgroupError(
    'ERR_CGROUP_NO_CONTROLLER',
    `cannot ${action} ${group.path}: it is neither in a v1 freezer hierarchy nor in the unified one`,
    { path: group.path },
  )
}

function late(action: string, group: Group, timeoutMs: number, why: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_TIMEOUT',
    `cannot ${action} ${group.path} within ${timeoutMs} ms: ${why}`,
    {
      path: group.path,
    },
  )
}
