import { MNT_DETACH, MOVE_MOUNT_F_EMPTY_PATH, type Program, type Ref } from '@ctr/linux'

/**
 * Attaches a mount while copies of it are made, for kernels that copy only what is attached.
 *
 * @param shelf - A mount with a folder `shm` to attach it at; undefined where the kernel copies any mount.
 */
export function whileAttached(
  program: Program,
  mount: Ref,
  shelf: Ref | undefined,
  makeCopies: () => void,
): void {
  if (shelf === undefined) {
    makeCopies()
    return
  }
  program.call('move_mount', [mount, '', shelf, 'shm', MOVE_MOUNT_F_EMPTY_PATH])
  makeCopies()
  program.call('fchdir', [mount])
  program.call('umount2', ['.', MNT_DETACH])
  program.call('chdir', ['/'])
}
