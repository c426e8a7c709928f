import { openSync } from 'node:fs'
import { CLONE_NEWUSER, closeFd, onReadable, Program, start, waitid } from '@ctr/linux'
import { NamespacesError } from './errors.js'
import { checkIdMaps, type IdMaps } from './ids/id-map.js'
import { writeIdMaps } from './ids/write-id-maps.js'
import { atPause, openPausePipes, pause } from './setup/pause.js'

/**
 * Opens a new user namespace with the given maps that no process is in: for the ids of an idmapped mount
 * (mount_setattr(2)).
 *
 * @returns A descriptor of the namespace, the caller's to close.
 * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`, `ERR_NAMESPACES_ID_MAP`.
 */
export async function openUserNamespace(maps: IdMaps): Promise<number> {
  checkIdMaps(maps)
  using pipes = openPausePipes()
  const program = new Program()
  program.call('close', [pipes.goOther])
  pause(program.step('wait for the id maps'), pipes)
  program.call('exit_group', [0])
  const starting = start(program, { flags: CLONE_NEWUSER })
  let namespace: number | undefined
  await atPause(starting, pipes, async (pid) => {
    await writeIdMaps(pid, maps)
    namespace = openSync(`/proc/${pid}/ns/user`, 'r')
  })
  const { pidfd } = await starting.completed
  await new Promise<void>((resolve) => onReadable(pidfd, resolve))
  waitid(pidfd)
  closeFd(pidfd)
  if (namespace !== undefined) return namespace
  throw new NamespacesError('ERR_NAMESPACES_START', 'cannot make a user namespace: its process was killed')
}
