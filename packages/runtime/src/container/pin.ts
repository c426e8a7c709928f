import { closeSync, existsSync, fstatSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  execute,
  Fd,
  isSyscallError,
  MNT_DETACH,
  moveMount,
  OPEN_TREE_CLONE,
  openTree,
  Program,
  UMOUNT_NOFOLLOW,
} from '@ctr/linux'
import { unlinkIfThere } from '../unlink-if-there.js'

/**
 * Pins a process to a file: a bind mount of its pidfd. Any later process that opens the file has a pidfd of
 * the same process, never of another with the same number, and can read its exit status even when nobody
 * watched it end. Needs Linux 6.15; before that nothing is pinned, and such a status is unknown.
 */
export function pinProcess(path: string, pidfd: number): void {
  closeSync(openSync(path, 'w', 0o600))
  try {
    using copy = new Fd(openTree(pidfd, '', OPEN_TREE_CLONE + AT_EMPTY_PATH))
    moveMount(copy.number, AT_FDCWD, path)
  } catch (error) {
    unlinkIfThere(path)
    if (!isSyscallError(error) || !['EINVAL', 'ENOSYS', 'EPERM'].includes(error.code)) throw error
  }
}

/** Opens a pinned process; undefined when it was not pinned. */
export function openPin(path: string): Fd | undefined {
  if (!existsSync(path)) return undefined
  const pin = new Fd(openSync(path, 'r'))
  // who was killed in the middle of pinning leaves a plain file, on which nothing is mounted
  if (fstatSync(pin.number).dev !== statSync(dirname(path)).dev) return pin
  pin.close()
  return undefined
}

/**
 * Lets go of a pinned process, on a thread of the pool: to take a mount away the kernel waits for all processors.
 * Idempotent.
 */
export async function unpinProcess(path: string): Promise<void> {
  if (!existsSync(path)) return
  const program = new Program()
  // a file that nothing is mounted on; or another process, which saw the end as well, has just removed it
  program.call('umount2', [path, MNT_DETACH + UMOUNT_NOFOLLOW], { tolerate: ['EINVAL', 'ENOENT'] })
  program.call('unlinkat', [AT_FDCWD, path, 0], { tolerate: ['ENOENT'] })
  await execute(program)
}
