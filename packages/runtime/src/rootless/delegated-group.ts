import { accessSync, constants } from 'node:fs'
import { join, posix } from 'node:path'
import type { Hierarchy } from '@ctr/cgroups'

/**
 * The topmost v2 group above our own that is ours to make groups in: systemd gives every user one
 * (`user@UID.service`). On v1 nothing can be delegated safely, and nothing is used.
 *
 * @returns Its path below the mount of the v2 hierarchy; undefined where none is delegated to the caller.
 */
export function delegatedGroup({ mounts, mode }: Hierarchy): string | undefined {
  const unified = mounts.find(({ version }) => version === 2)
  if (mode !== 'v2' || unified?.ownPath === undefined) return undefined
  let found: string | undefined
  for (let path = unified.ownPath; isOurs(join(unified.mountpoint, path)); path = posix.dirname(path)) {
    found = path
    if (path === '/') break
  }
  return found
}

/** A process can be moved within a group whose `cgroup.procs` we may write. */
function isOurs(folder: string): boolean {
  try {
    for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control'])
      accessSync(join(folder, name), constants.W_OK)
    return true
  } catch {
    return false
  }
}
