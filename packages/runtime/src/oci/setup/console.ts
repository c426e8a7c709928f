import {
  AT_EMPTY_PATH,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFREG,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { Console } from '@ctr/namespaces'
import type { ConfigProcess } from '../config/config-process.js'
import { openFolder } from '../../setup/place.js'

/** The terminal of a process of a container, as `spawn` takes it. */
export function consoleOf(
  { consoleSize, user }: ConfigProcess,
  { socket, ours }: { readonly socket: number; readonly ours: boolean },
): Console {
  return {
    socket,
    plainNewlines: ours,
    size: consoleSize && { rows: consoleSize.height, columns: consoleSize.width },
    uid: user.uid,
  }
}

/** Mounts the terminal at `/dev/console` (config-linux.md, default devices). */
export function mountConsole(program: Program, root: Ref | number, slave: Ref): void {
  program.step('mount the terminal at /dev/console')
  const dev = openFolder(program, root, '/dev')
  // made, not opened: whatever is there already is good enough, and no link is followed (CVE-2025-52565)
  program.call('mknodat', [dev, 'console', S_IFREG + 0o600, 0], { tolerate: ['EEXIST', 'EROFS'] })
  const clone = program.call('open_tree', [slave, '', OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_EMPTY_PATH])
  program.call('move_mount', [clone, '', dev, 'console', MOVE_MOUNT_F_EMPTY_PATH])
  for (const fd of [clone, dev]) program.call('close', [fd])
}
