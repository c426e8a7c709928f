import { posix } from 'node:path'
import { statSync } from 'node:fs'
import { CgroupError } from '../errors.js'
import type { Group, GroupFolder } from './group.js'
import { hierarchyName } from './group-paths.js'

/** Finds a group below; see `Cgroup.subgroup`. */
export function subgroupOf(group: Group, below: string | Readonly<Record<string, string>>): Group {
  const places = new Map<GroupFolder, string>()
  if (typeof below === 'string') for (const home of group.folders) places.set(home, below)
  else
    for (const [controller, path] of Object.entries(below)) {
      const home = group.folders.find(
        ({ mount }) => mount.controllers.includes(controller) || hierarchyName(mount) === controller,
      )
      if (!home)
        throw new CgroupError(
          'ERR_CGROUP_NO_CONTROLLER',
          `cannot open a group below ${group.path}: unknown controller ${controller}`,
          { path: group.path },
        )
      places.set(home, path)
    }
  const folders = group.folders.map((home) => {
    const path = places.get(home)
    return path === undefined ? home : { mount: home.mount, folder: folderBelow(home.folder, path) }
  })
  return { path: group.path, folders }
}

function folderBelow(base: string, path: string): string {
  const folder = posix.join(base, path).replace(/\/+$/, '')
  if (path.includes('\0') || (folder !== base && !folder.startsWith(`${base}/`)))
    throw new CgroupError(
      'ERR_CGROUP_INVALID_ARG',
      `cannot open a group below ${base}: ${path.replaceAll('\0', '').slice(0, 120)} is not a sub cgroup path`,
      { path: base },
    )
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder
  throw new CgroupError('ERR_CGROUP_NOT_FOUND', `cannot open ${folder}: there is no such group`, {
    path: folder,
    errno: 'ENOENT',
  })
}
