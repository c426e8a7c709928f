import {
  FSCONFIG_CMD_CREATE,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  O_WRONLY,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
  type Program,
  type Ref,
} from '@ctr/linux'

/** A descriptor: its number, or the result of an entry of the same program. */
export type Descriptor = number | Ref

/**
 * Stage 1, once the process is in the container's user, pid and mount namespace and before it has the container's
 * root: a procfs that is mounted nowhere. Nobody can mount anything over its files, or put something else in its
 * place, as a container can with its own `/proc` (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881).
 *
 * It is made here because the kernel refuses it later: in the mount namespace of a user namespace a procfs can only
 * be made where one is seen whole, and a container's `/proc` has masked paths. Whoever needs it in stage 2 keeps the
 * descriptor open across `execveat`, and marks it close-on-exec there.
 *
 * @returns Descriptor of the root of the procfs, close-on-exec.
 */
export function openProc(program: Program): Ref {
  program.step('open a procfs of our own')
  const context = program.call('fsopen', ['proc', FSOPEN_CLOEXEC])
  program.call('fsconfig', [context, FSCONFIG_CMD_CREATE, null, null, 0])
  const attributes = MOUNT_ATTR_NOSUID + MOUNT_ATTR_NODEV + MOUNT_ATTR_NOEXEC
  const proc = program.call('fsmount', [context, FSMOUNT_CLOEXEC, attributes])
  program.call('close', [context])
  return proc
}

/**
 * Writes a file of a procfs in one go.
 *
 * @param resolve - `RESOLVE_*` beyond what keeps the path in the procfs.
 */
export function writeProc(program: Program, proc: Descriptor, path: string, text: string, resolve = 0): void {
  const how = openHow({
    flags: O_WRONLY,
    resolve: RESOLVE_BENEATH + RESOLVE_NO_MAGICLINKS + RESOLVE_NO_XDEV + resolve,
  })
  const file = program.call('openat2', [proc, path, how, OPEN_HOW_SIZE])
  const length = Buffer.byteLength(text)
  program.call('write', [file, text, length], { minimum: length })
  program.call('close', [file])
}
