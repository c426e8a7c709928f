import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  syscall,
  syscallOr,
} from '@ctr/linux'
import { kernelString, type ByteString } from './byte-string.js'

/**
 * openat2(2) below a folder that is treated as the root: absolute links and `..` end there, links of /proc
 * are not followed.
 *
 * @param root - Descriptor of the folder.
 * @param path - Below it; `''` is the folder itself.
 * @param flags - `O_*`; `O_CLOEXEC` is added.
 */
export function openIn(root: number, path: ByteString, flags: number): number {
  const how = howToOpen(flags)
  const call = ['openat2', root, kernelString(path === '' ? '.' : path), how, how.length] as const
  // the kernel gives up when something on the way is renamed meanwhile, since `..` might then lead out
  for (let tries = 1; tries < mostTries; tries += 1) {
    const fd = syscallOr(['EAGAIN'], ...call)
    if (fd !== 'EAGAIN') return fd
  }
  return syscall(...call)
}

const mostTries = 128

/** The third argument of openat2(2) for {@link openIn}. */
export function howToOpen(flags: number): Buffer {
  const how = Buffer.alloc(24) // struct open_how: flags, mode, resolve
  how.writeUInt32LE(flags | O_CLOEXEC, 0)
  how.writeUInt32LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16)
  return how
}

/** A descriptor that only stands for a folder below `root`: for `*at` calls, not for reading. */
export function openFolderIn(root: number, path: ByteString): number {
  return openIn(root, path, O_PATH | O_DIRECTORY)
}

/** A descriptor that only stands for `name` in a folder; a link is not followed. */
export function openName(folder: number, name: ByteString): number {
  return syscall('openat', folder, kernelString(name), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
}

/** A path for calls that take no descriptor: it leads to what `fd` stands for, whatever happens to its name. */
export function pathOfFd(fd: number): string {
  return `/proc/self/fd/${fd}`
}
