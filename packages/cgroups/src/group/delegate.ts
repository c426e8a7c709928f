import { chownSync, statSync } from 'node:fs'
import { CgroupError } from '../errors.js'
import { readFileIfThere } from '../kernel/interface-file.js'
import { errnoOf, pathError } from '../kernel/errno.js'
import { checkInteger } from '../plan/check.js'
import type { Group, GroupFolder } from './group.js'

/** Who shall manage the groups below. */
export interface Delegate {
  readonly uid: number
  /** Left as it is unless given. */
  readonly gid?: number | undefined
}

/** What a v2 kernel says may be given away, since 4.15; before that it was these. */
const LIST = '/sys/kernel/cgroup/delegate'
const givenOnV2 = ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control']
/** On v1 as systemd does it: to move processes and to make groups, but not to change this group's own limits. */
const givenOnV1 = ['cgroup.procs', 'tasks', 'cgroup.clone_children']

/** Gives a group away; see `Cgroup.delegate`. */
export function delegateGroup(group: Group, { uid, gid }: Delegate): void {
  checkInteger('uid', uid, 0, 2 ** 32 - 2)
  if (gid !== undefined) checkInteger('gid', gid, 0, 2 ** 32 - 2)
  const done: { path: string; uid: number; gid: number }[] = []
  try {
    for (const home of group.folders) {
      for (const path of pathsOf(home)) {
        const owner = statSync(path, { throwIfNoEntry: false })
        if (!owner) continue // this kernel has no such file
        chown(path, uid, gid ?? owner.gid)
        done.push({ path, uid: owner.uid, gid: owner.gid })
      }
    }
  } catch (error) {
    for (const { path, uid: before, gid: group } of done.reverse()) chown(path, before, group)
    throw error
  }
}

/** The folder last: who may make groups in it has the files already. */
function pathsOf({ mount, folder }: GroupFolder): string[] {
  const listed = mount.version === 1 ? givenOnV1 : (readFileIfThere(LIST)?.split('\n') ?? givenOnV2)
  return [...listed.filter((file) => /^[\w.]+$/.test(file)).map((file) => `${folder}/${file}`), folder]
}

function chown(path: string, uid: number, gid: number): void {
  try {
    chownSync(path, uid, gid)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw pathError('give away', path, error)
    throw new CgroupError('ERR_CGROUP_NOT_FOUND', `cannot give ${path} away: the group is gone`, {
      path,
      errno: 'ENOENT',
      cause: error,
    })
  }
}
