import { mkdirSync, rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { CgroupError } from '../errors.js'
import type { HierarchyMount } from '../host/hierarchy.js'
import { errnoOf, pathError } from '../kernel/errno.js'
import { writeInterfaceFile } from '../kernel/interface-file.js'
import { enableControllers, handsOn, usedOnV2 } from './enable-controllers.js'
import { inheritCpuset } from './inherit-cpuset.js'
import { threadedControllers } from './threads.js'

/** What {@link makeGroup} makes. */
export interface GroupToMake {
  readonly mount: HierarchyMount
  readonly path: string
  /** v2: controllers that the group must have. */
  readonly required: readonly string[]
  /** v1 `cpuset`: files that will be written anyway and need not be taken over from the parent. */
  readonly given: readonly string[]
  /** A folder that is there is taken. */
  readonly mayExist: boolean
  /** v2: a group of threads. */
  readonly threaded?: boolean | undefined
}

/**
 * Makes a group's folder in one hierarchy, and the groups above it that are missing.
 *
 * @param group - What to make.
 * @param made - Every folder made is added here, in order, also when the call throws.
 * @returns The folder.
 */
export function makeGroup(group: GroupToMake, made: string[]): string {
  const { mount, path, required, given, mayExist, threaded } = group
  const folder = mount.mountpoint + path
  let isNew: boolean
  if (mount.version === 2) {
    const above = dirname(folder)
    const usedBelow = (parent: string): string[] => {
      // a group that hands on others cannot have threaded ones below
      const used = threaded === true && parent === above ? threadedControllers : usedOnV2
      return used.filter((name) => mount.controllers.includes(name))
    }
    // nearly always; the groups above it hand on no less
    if (!handsOn(above, [...usedBelow(above), ...required]))
      makeParents(mount, path, made, (parent) => enableControllers(parent, required, usedBelow(parent)))
    if (!make(folder, made) && !mayExist) throw notNew(path, folder)
    if (threaded === true) writeInterfaceFile(`${folder}/cgroup.type`, 'threaded')
    return folder
  }
  // the parent is nearly always there; when another process removes it in between, it is made again
  for (let attempt = 0; ; attempt++) {
    try {
      isNew = make(folder, made)
      if (!isNew && !mayExist) throw notNew(path, folder)
      break
    } catch (error) {
      if (!(error instanceof CgroupError) || error.errno !== 'ENOENT' || attempt === 3) throw error
      makeParents(mount, path, made, () => undefined)
    }
  }
  if (mount.controllers.includes('cpuset'))
    inheritCpuset({ folder, mountpoint: mount.mountpoint, given, isNew })
  return folder
}

/** Removes what {@link makeGroup} made, newest first. Groups that others have begun to use stay. */
export function unmakeGroups(made: readonly string[]): void {
  for (const folder of [...made].reverse()) {
    try {
      rmdirSync(folder)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'EBUSY' && errno !== 'ENOTEMPTY')
        throw pathError('remove', folder, error)
    }
  }
}

function makeParents(
  mount: HierarchyMount,
  path: string,
  made: string[],
  prepare: (folder: string) => void,
): void {
  prepare(mount.mountpoint)
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
    const parent = mount.mountpoint + path.slice(0, end)
    make(parent, made)
    prepare(parent)
  }
}

/** True when the folder was made, false when it was there. */
function make(folder: string, made: string[]): boolean {
  try {
    mkdirSync(folder)
    made.push(folder)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw pathError('create', folder, error)
  }
}

function notNew(path: string, folder: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_EXISTS',
    `cannot create ${path}: ${folder} is there already, open it with openCgroup() or choose another path`,
    { path, errno: 'EEXIST' },
  )
}
