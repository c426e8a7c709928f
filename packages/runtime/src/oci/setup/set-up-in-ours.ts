import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, type Program } from '@ctr/linux'
import { openConsole, type Console } from '@ctr/namespaces'

/** What a process has that is in our mount namespace. */
export interface SetupInOurs {
  readonly console: Console | undefined
  /** Folder to make its root. */
  readonly rootfs: string
}

/** Adds what there is to do in our own mount namespace: nothing is mounted there, it would stay. */
export function setUpInOurs(program: Program, pause: () => void, { console, rootfs }: SetupInOurs): void {
  if (console !== undefined) {
    const root = program.call('openat', [AT_FDCWD, '/', O_PATH + O_DIRECTORY + O_CLOEXEC, 0])
    openConsole(program, root, console)
    program.call('close', [root])
  }
  pause()
  program.step('change the root').call('chdir', [rootfs])
  program.call('chroot', ['.'])
}
