import { release } from 'node:os'
import {
  AT_EMPTY_PATH,
  FSCONFIG_SET_STRING,
  Fd,
  fsopen,
  isSyscallError,
  syscallOr,
  type SyscallArgument,
} from '@ctr/linux'
import { RuntimeError } from '../errors.js'

/** What was found to be there: a kernel does not lose it. */
const found = new Set<'mount_setattr' | 'lowerdir+'>()

/**
 * Refuses kernels without mount_setattr(2), with which containers' mounts become read-only.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`
 */
export function checkMounts(): void {
  if (found.has('mount_setattr')) return
  if (errorOf('mount_setattr', -1, '', AT_EMPTY_PATH, new Uint8Array(32), 32) === 'ENOSYS') {
    throw lacking('mount_setattr(2), which came with Linux 5.12')
  }
  found.add('mount_setattr')
}

/**
 * Refuses kernels whose overlays take no layers one by one.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`
 */
export function checkOverlays(): void {
  if (found.has('lowerdir+')) return
  if (!takesLayers()) throw lacking('lowerdir+ of overlayfs, which came with Linux 6.7')
  found.add('lowerdir+')
}

/** Kernels that know the option look for the folder at once; others refuse the option, or keep it for later. */
function takesLayers(): boolean {
  let overlay: Fd
  try {
    overlay = new Fd(fsopen('overlay'))
  } catch (error) {
    // an ordinary user may open it in a namespace only, so the version has to tell
    if (isSyscallError(error) && error.code === 'EPERM') return isAtLeast(6, 7)
    throw new RuntimeError(
      'ERR_RUNTIME_UNSUPPORTED',
      'cannot make containers: this kernel has no overlayfs',
      {
        cause: error,
      },
    )
  }
  try {
    return (
      errorOf('fsconfig', overlay.number, FSCONFIG_SET_STRING, 'lowerdir+', '/does/not/exist', 0) === 'ENOENT'
    )
  } finally {
    overlay.close()
  }
}

function isAtLeast(major: number, minor: number): boolean {
  const [ofMajor = 0, ofMinor = 0] = release().split('.').map(Number)
  return ofMajor > major || (ofMajor === major && ofMinor >= minor)
}

/** Name of the error of a system call that changes nothing. */
function errorOf(
  call: 'mount_setattr' | 'fsconfig',
  ...args: readonly SyscallArgument[]
): string | undefined {
  const expected = ['ENOSYS', 'EBADF', 'EPERM', 'EINVAL', 'ENOENT', 'EACCES', 'ELOOP'] as const
  const result = syscallOr(expected, call, ...args)
  return typeof result === 'number' ? undefined : result
}

function lacking(what: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_UNSUPPORTED',
    `cannot make containers: Linux ${release()} lacks ${what}; a newer kernel is needed`,
  )
}
