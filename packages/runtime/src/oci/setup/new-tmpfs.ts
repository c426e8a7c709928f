import {
  AT_FDCWD,
  Fd,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  openHow,
  OPEN_HOW_SIZE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  syscall,
  syscallOr,
} from '@ctr/linux'
import type { FileSystemParameter } from '../../setup/rootfs.js'
import { isReal, type Call } from './call.js'
import { copyTree } from './copy-tree.js'

/** Makes a detached tmpfs in this process, with this process's privileges. */
export function newTmpfs(
  call: Call,
  parameters: readonly FileSystemParameter[],
  attributes: number,
  source = 'tmpfs',
): number {
  const fs = call('fsopen', 'tmpfs', FSOPEN_CLOEXEC)
  using _ = isReal(call) ? new Fd(fs) : undefined
  call('fsconfig', fs, FSCONFIG_SET_STRING, 'source', source, 0)
  for (const [key, value] of parameters) {
    if (value === undefined) call('fsconfig', fs, FSCONFIG_SET_FLAG, key, null, 0)
    else call('fsconfig', fs, FSCONFIG_SET_STRING, key, value, 0)
  }
  call('fsconfig', fs, FSCONFIG_CMD_CREATE, null, null, 0)
  return call('fsmount', fs, FSMOUNT_CLOEXEC, attributes)
}

/**
 * Fills a tmpfs with what the container has at its place (`tmpcopyup`).
 *
 * @param tmpfs - The mount.
 * @param folder - The root file system or volume that the place is in, as a path of the host.
 * @param path - Where in it, without links.
 * @throws {@link SyscallError} `ENOSPC`: it does not fit.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: it cannot be copied.
 */
export async function copyUp(tmpfs: number, folder: string, path: string): Promise<void> {
  using base = new Fd(syscall('openat', AT_FDCWD, folder, O_PATH + O_DIRECTORY + O_CLOEXEC))
  const how = openHow({
    flags: O_PATH + O_DIRECTORY + O_CLOEXEC,
    resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS + RESOLVE_NO_SYMLINKS,
  })
  const opened = syscallOr(
    ['ENOENT', 'ENOTDIR'],
    'openat2',
    base.number,
    path === '' ? '.' : path,
    how,
    OPEN_HOW_SIZE,
  )
  if (typeof opened === 'string') return
  using source = new Fd(opened)
  using target = new Fd(syscall('openat', tmpfs, '.', O_DIRECTORY + O_CLOEXEC))
  await copyTree(source.number, target.number)
}
