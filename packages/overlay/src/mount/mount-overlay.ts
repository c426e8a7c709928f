import { readSync } from 'node:fs'
import {
  Fd,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  isSyscallError,
  MOUNT_ATTR_RDONLY,
  type Program,
  type Ref,
} from '@ctr/linux'
import { errnoOf, isOverlayError, OverlayError } from '../errors.js'
import { asRoot, type StoreUserNamespace } from '../ids/user-namespace.js'
import { overlayParameters, type OverlayDescription, type OverlayParameter } from './description.js'

/**
 * Mounts an overlay, detached: the mount belongs to the returned descriptor, no path leads to it, and it goes
 * when the descriptor is closed. Attach it with move_mount(2), {@link MountedRoot.attach} for example, or read
 * it through the descriptor.
 *
 * @param namespace - The user namespace to mount in, for a caller without privileges; needs `userxattr`.
 * @throws {@link OverlayError}
 *   - `ERR_OVERLAY_INVALID_ARG`: the description is no overlay, see {@link overlayParameters}.
 *   - `ERR_OVERLAY_NOT_FOUND`: one of the folders is missing.
 *   - `ERR_OVERLAY_IN_USE`: another overlay uses the upper or work folder.
 *   - `ERR_OVERLAY_UNSUPPORTED`: the kernel has no overlay, or is older than 6.7.
 *   - `ERR_OVERLAY_PERMISSION`: `CAP_SYS_ADMIN` is missing.
 *   - `ERR_OVERLAY_MOUNT`: the kernel refuses for another reason, which the message quotes.
 * @see {@link https://man7.org/linux/man-pages/man2/fsopen.2.html}
 */
export function mountOverlay(description: OverlayDescription, namespace?: StoreUserNamespace): Fd {
  const parameters = overlayParameters(description)
  if (namespace !== undefined) return mountIn(namespace, description, parameters)
  let context: Fd | undefined
  let step = openStep
  try {
    context = new Fd(fsopen('overlay'))
    for (const [key, value] of parameters) {
      step = value === undefined ? `set ${key}` : `set ${key} to ${value}`
      if (value === undefined) fsconfigFlag(context.number, key)
      else fsconfigString(context.number, key, value)
    }
    step = 'create the file system'
    fsconfigCreate(context.number)
    step = 'mount it'
    return new Fd(fsmount(context.number, description.upper === undefined ? MOUNT_ATTR_RDONLY : 0))
  } catch (error) {
    throw mountError(step, error, context)
  } finally {
    context?.close()
  }
}

/** The same as root of a user namespace. The kernel's own words about a failure are lost with the child. */
function mountIn(
  namespace: StoreUserNamespace,
  { upper }: OverlayDescription,
  parameters: readonly OverlayParameter[],
): Fd {
  try {
    const fill = (program: Program): Ref =>
      addOverlay(program, parameters, upper === undefined ? MOUNT_ATTR_RDONLY : 0)
    return new Fd(asRoot(namespace, fill, { mounts: true }))
  } catch (error) {
    throw mountErrorInChild(error)
  }
}

/**
 * Adds the making of an overlay to a program.
 *
 * @returns The detached mount.
 */
export function addOverlay(
  program: Program,
  parameters: readonly OverlayParameter[],
  attributes: number,
): Ref {
  const context = program.step(openStep).call('fsopen', ['overlay', FSOPEN_CLOEXEC])
  for (const [key, value] of parameters) {
    program.step(value === undefined ? `set ${key}` : `set ${key} to ${value}`)
    if (value === undefined) program.call('fsconfig', [context, FSCONFIG_SET_FLAG, key, null, 0])
    else program.call('fsconfig', [context, FSCONFIG_SET_STRING, key, value, 0])
  }
  program.step('create the file system').call('fsconfig', [context, FSCONFIG_CMD_CREATE, null, null, 0])
  const mounted = program.step('mount it').call('fsmount', [context, FSMOUNT_CLOEXEC, attributes])
  program.call('close', [context])
  return mounted
}

/** The error of a program with {@link addOverlay} that a child has executed. */
export function mountErrorInChild(error: unknown): unknown {
  return mountError(isSyscallError(error) ? (error.step ?? openStep) : openStep, error, undefined)
}

const openStep = 'open the file system overlay'

function mountError(step: string, error: unknown, context: Fd | undefined): unknown {
  if (isOverlayError(error)) return error
  const errno = errnoOf(error)
  const said = context === undefined ? '' : kernelMessages(context.number)
  const detail = said === '' ? '' : ` (${said})`
  const old = errno === 'EINVAL' && step.startsWith('set lowerdir+') && said === ''
  const reason = old ? 'the kernel has no lowerdir+, which came with Linux 6.7' : `${String(errno)}${detail}`
  return new OverlayError(
    old ? 'ERR_OVERLAY_UNSUPPORTED' : codeOf(errno),
    `cannot mount an overlay: cannot ${step}: ${reason}`,
    {
      cause: error,
    },
  )
}

function codeOf(errno: string | undefined): OverlayError['code'] {
  switch (errno) {
    case 'ENOENT':
      return 'ERR_OVERLAY_NOT_FOUND'
    case 'EBUSY':
      return 'ERR_OVERLAY_IN_USE'
    case 'ENODEV':
    case 'ENOSYS':
      return 'ERR_OVERLAY_UNSUPPORTED'
    case 'EPERM':
    case 'EACCES':
      return 'ERR_OVERLAY_PERMISSION'
    default:
      return 'ERR_OVERLAY_MOUNT'
  }
}

/** What the kernel says about a set-up that failed: reading its descriptor gives one message a time. */
function kernelMessages(fd: number): string {
  const messages: string[] = []
  const buffer = Buffer.alloc(4096)
  try {
    while (messages.length < 16) {
      const length = readSync(fd, buffer)
      messages.push(buffer.toString('utf8', 0, length).trim())
    }
  } catch {
    // ENODATA: there are no more
  }
  return messages.join('; ')
}
