import { accessSync, constants, openSync, readSync } from 'node:fs'
import {
  AT_FDCWD,
  CLONE_NEWUSER,
  F_SETFD,
  Fd,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  isSyscallError,
  O_CLOEXEC,
  O_RDWR,
  onReadable,
  pipe2,
  Program,
  SIG_SETMASK,
  start,
  stringVector,
  Struct,
  waitid,
} from '@ctr/linux'
import { OverlayError } from '../errors.js'
import { asRoot } from '../ids/user-namespace.js'
import type { OverlayDescription } from './description.js'

/** Why fuse-overlayfs cannot be used here, or where it is. */
export type FoundFuse =
  | { readonly program: string; readonly reason?: undefined }
  | { readonly program?: undefined; readonly reason: string }

const device = '/dev/fuse'

/** Looks for fuse-overlayfs(1) in `PATH`, and for a `/dev/fuse` that may be opened. */
export function findFuseOverlayfs(path = process.env['PATH'] ?? ''): FoundFuse {
  const folders = [...path.split(':').filter((folder) => folder.startsWith('/')), '/usr/bin']
  const program = folders
    .map((folder) => `${folder}/fuse-overlayfs`)
    .find((file) => may(file, constants.X_OK))
  if (program === undefined) return { reason: 'fuse-overlayfs is not installed' }
  if (may(device, constants.R_OK | constants.W_OK)) return { program }
  return {
    reason: `fuse-overlayfs needs ${device}, which this user may not open: have root do chmod 666 ${device}`,
  }
}

function may(file: string, mode: number): boolean {
  try {
    accessSync(file, mode)
    return true
  } catch {
    return false
  }
}

/**
 * Mounts layers by fuse-overlayfs(1), detached, in a user namespace. A process of that program serves the mount, and
 * ends when nobody has the mount any more: when its descriptor is closed and the mount namespaces it is in are gone,
 * also after a crash.
 *
 * Files can be reached from within the user namespace only, and from those below it.
 *
 * @param userNamespace - Descriptor of a user namespace of the caller's with nobody in it that is not trusted.
 * @throws {@link OverlayError} `ERR_OVERLAY_UNSUPPORTED`: there is no fuse-overlayfs, or no `/dev/fuse`;
 *   `ERR_OVERLAY_MOUNT` with what it says; `ERR_OVERLAY_INVALID_ARG`: a path with a comma, colon or backslash.
 */
export async function mountFuse(description: OverlayDescription, userNamespace: number): Promise<Fd> {
  const { program, reason } = findFuseOverlayfs()
  if (program === undefined) {
    throw new OverlayError('ERR_OVERLAY_UNSUPPORTED', `cannot mount by fuse-overlayfs: ${reason}`)
  }
  const options = optionsOf(description)
  const namespace = { fd: userNamespace, singleId: false }
  try {
    // the kernel wants both of the same user namespace
    using connection = new Fd(
      asRoot(namespace, (calls) => calls.call('openat', [AT_FDCWD, device, O_RDWR | O_CLOEXEC, 0])),
    )
    const mount = new Fd(asRoot(namespace, (calls) => addMount(calls, connection.number), { mounts: true }))
    try {
      await serve(program, options, connection.number, userNamespace)
      return mount
    } catch (error) {
      mount.close()
      throw error
    }
  } catch (error) {
    if (!isSyscallError(error)) throw error
    throw new OverlayError('ERR_OVERLAY_MOUNT', `cannot mount by fuse-overlayfs: ${error.message}`, {
      cause: error,
    })
  }
}

function addMount(program: Program, connection: number) {
  const context = program.step('open the file system fuse').call('fsopen', ['fuse', FSOPEN_CLOEXEC])
  const settings = {
    source: 'fuse-overlayfs',
    subtype: 'fuse-overlayfs',
    fd: String(connection),
    rootmode: '40000',
    user_id: '0',
    group_id: '0',
  }
  for (const [key, value] of Object.entries(settings))
    program.call('fsconfig', [context, FSCONFIG_SET_STRING, key, value, 0])
  // the kernel checks permissions, for everybody in the namespace
  for (const flag of ['default_permissions', 'allow_other'])
    program.call('fsconfig', [context, FSCONFIG_SET_FLAG, flag, null, 0])
  program.call('fsconfig', [context, FSCONFIG_CMD_CREATE, null, null, 0])
  const mounted = program.call('fsmount', [context, FSMOUNT_CLOEXEC, 0])
  program.call('close', [context])
  return mounted
}

/** The value of `-o`. */
function optionsOf({ lower, upper, work }: OverlayDescription): string {
  for (const path of [...lower, upper, work]) {
    if (path === undefined || !/[,:\\\0]/.test(path)) continue
    throw new OverlayError(
      'ERR_OVERLAY_INVALID_ARG',
      `cannot mount by fuse-overlayfs: ${path} has a comma, colon or backslash`,
    )
  }
  const parts = [`lowerdir=${[...lower].reverse().join(':')}`]
  if (upper !== undefined && work !== undefined) parts.push(`upperdir=${upper}`, `workdir=${work}`)
  return parts.join(',')
}

/**
 * Starts the program as root of the user namespace. It goes into the background once it is ready to serve, and
 * complains before that.
 */
async function serve(
  file: string,
  options: string,
  connection: number,
  userNamespace: number,
): Promise<void> {
  const [read, write] = pipe2(O_CLOEXEC)
  using output = new Fd(read)
  using nothing = new Fd(openSync('/dev/null', 'r+'))
  let child
  {
    using input = new Fd(write)
    const program = new Program()
    program.step('enter the user namespace').call('setns', [userNamespace, CLONE_NEWUSER])
    program.call('setsid', [])
    for (const [from, to] of [
      [nothing.number, 0],
      [nothing.number, 1],
      [input.number, 2],
    ] as const)
      program.call('dup3', [from, to, 0])
    program.call('fcntl', [connection, F_SETFD, 0])
    if (connection > 3) program.call('close_range', [3, connection - 1, 0])
    program.call('close_range', [connection + 1, 0xffffffff, 0])
    program.call('rt_sigprocmask', [SIG_SETMASK, new Struct(new Uint8Array(8), '[]'), null, 8])
    const argv = [file, '-o', options, `/dev/fd/${connection}`]
    program.step('execute fuse-overlayfs')
    program.call('execve', [file, stringVector(argv), stringVector(['PATH=/usr/bin:/bin'])])
    child = await start(program, { flags: 0 }).completed
  }
  using ended = new Fd(child.pidfd)
  await new Promise<void>((resolve) => void onReadable(ended.number, resolve))
  const { exitCode } = waitid(ended.number)
  if (exitCode === 0) return
  const said = readAll(output.number)
  throw new OverlayError('ERR_OVERLAY_MOUNT', `cannot mount by fuse-overlayfs: ${said || 'it failed'}`)
}

function readAll(fd: number): string {
  const buffer = Buffer.alloc(4096)
  return buffer.toString('utf8', 0, readSync(fd, buffer)).trim().split('\n').join('; ')
}
