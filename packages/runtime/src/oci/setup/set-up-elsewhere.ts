import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, type Program } from '@ctr/linux'
import { openConsole, type Console } from './console.js'

/** What a process has that does not get mounts of its own. */
export interface ElsewhereSetup {
  readonly console: Console | undefined
  /** Folder to make its root, where it is in our mount namespace. */
  readonly rootfs: string | undefined
}

/** Adds what there is to do in a mount namespace that is not the container's own: nothing is mounted there. */
export function setUpElsewhere(
  program: Program,
  pause: () => void,
  { console, rootfs }: ElsewhereSetup,
): void {
  if (console !== undefined) {
    const root = program.call('openat', [AT_FDCWD, '/', O_PATH + O_DIRECTORY + O_CLOEXEC, 0])
    openConsole(program, root, console)
    program.call('close', [root])
  }
  pause()
  if (rootfs === undefined) return
  program.step('change the root').call('chdir', [rootfs])
  program.call('chroot', ['.'])
}
