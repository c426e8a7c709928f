import { openSync } from 'node:fs'
import {
  AT_EMPTY_PATH,
  CLONE_NEWUSER,
  F_SETFD,
  openExecutable,
  PR_SET_DUMPABLE,
  Program,
  start,
  stringVector,
} from '@ctr/linux'
import { NamespacesError } from './errors.js'
import { end, readable } from './follow-entry.js'
import { checkIdMaps, type IdMaps } from './ids/id-map.js'
import { writeIdMaps } from './ids/write-id-maps.js'
import { closeDescriptors } from './setup/execute.js'
import { atPause, openPausePipes, pause, type PausePipes } from './setup/pause.js'

/**
 * Opens a new user namespace with the given maps that no process is in: for the ids of an idmapped mount
 * (mount_setattr(2)), or to be joined by several processes.
 *
 * @returns A descriptor of the namespace, the caller's to close.
 * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`, `ERR_NAMESPACES_ID_MAP`, `ERR_NAMESPACES_START`.
 */
export async function openUserNamespace(maps: IdMaps): Promise<number> {
  checkIdMaps(maps)
  using pipes = openPausePipes()
  using file = openExecutable(waitingProgram(pipes), -1) // its end says enough
  const child = await start(becoming(file.number, pipes), { flags: CLONE_NEWUSER }).completed
  let namespace: number | undefined
  const ended = readable(child.pidfd)
  try {
    await atPause({ pid: child.pid, completed: ended }, pipes, async (pid) => {
      await writeIdMaps(pid, maps)
      namespace = openSync(`/proc/${pid}/ns/user`, 'r')
    })
  } finally {
    await ended
    await end(child)
  }
  if (namespace !== undefined) return namespace
  throw new NamespacesError('ERR_NAMESPACES_START', 'cannot make a user namespace: its process was killed')
}

/** The child shares our memory until it executes the file: then nobody who has its ids can reach ours through it. */
function becoming(file: number, { ready, go }: PausePipes): Program {
  const program = new Program()
  closeDescriptors(program, 0, [file, ready, go])
  for (const fd of [ready, go]) program.call('fcntl', [fd, F_SETFD, 0])
  program.call('execveat', [file, '', stringVector(['ctr-init']), stringVector([]), AT_EMPTY_PATH])
  return program
}

function waitingProgram(pipes: PausePipes): Program {
  const program = new Program()
  program.step('wait for the id maps').call('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0])
  pause(program, pipes)
  program.call('exit_group', [0])
  return program
}
