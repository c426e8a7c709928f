import { chmodSync, fchownSync, fstatSync, ftruncateSync, opendirSync, readSync, writeSync, type BigIntStats } from 'node:fs'
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  Fd,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  out,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  syscall,
  syscallOr,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import { copyXattrs } from './copy-xattrs.js'

/** How deep folders may be in each other. */
const DEEPEST = 200

/** How long a copy may keep others waiting, in milliseconds. */
const SLICE_MS = 10

/** Nobody else changes the target; whoever changes the source meanwhile gets a copy of what there is. */
interface Copy {
  /** Root of the copy. */
  readonly target: number
  /** Where in the copy files with several names are, by device and inode. */
  readonly linked: Map<string, string>
  readonly buffer: Buffer
  began: number
}

/**
 * Copies the content of a folder into another, which is empty: files, folders, links, hard links, device nodes, fifos
 * and sockets, with their modes, owners, times and extended attributes. Holes stay holes.
 *
 * Everything is opened by its name in the folder that it is in, and no link is followed: nobody who changes the source
 * meanwhile leads the copy elsewhere. Files are opened only once they are known to be regular, so that nothing waits
 * and no device is touched.
 *
 * @param source - Descriptor of the folder.
 * @param target - Descriptor of the folder to fill.
 * @throws {@link SyscallError} `ENOSPC`: the target is full.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: folders are too deep in each other.
 */
export async function copyTree(source: number, target: number): Promise<void> {
  const copy: Copy = { target, linked: new Map(), buffer: Buffer.allocUnsafe(256 * 1024), began: Date.now() }
  await copyEntries(copy, source, target, '', 0)
  finish(source, target, fstatSync(source, { bigint: true }))
}

async function copyEntries(copy: Copy, source: number, target: number, path: string, depth: number): Promise<void> {
  if (depth > DEEPEST) {
    throw new RuntimeError('ERR_RUNTIME_START', `cannot copy ${path}: folders are deeper than ${DEEPEST}`)
  }
  using folder = opendirSync(`/proc/self/fd/${source}`)
  for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
    await breathe(copy)
    const { name } = entry
    const opened = syscallOr(['ENOENT'], 'openat', source, name, O_PATH + O_NOFOLLOW + O_CLOEXEC)
    if (opened === 'ENOENT') continue
    using from = new Fd(opened)
    await copyEntry(copy, from.number, target, name, `${path}${name}`, depth)
  }
}

async function copyEntry(
  copy: Copy,
  from: number,
  target: number,
  name: string,
  path: string,
  depth: number,
): Promise<void> {
  const stats = fstatSync(from, { bigint: true })
  const kind = Number(stats.mode) & S_IFMT
  if (kind === S_IFDIR) {
    syscall('mkdirat', target, name, 0o700)
    using folder = new Fd(syscall('openat', target, name, O_RDONLY + O_DIRECTORY + O_NOFOLLOW + O_CLOEXEC))
    await copyEntries(copy, from, folder.number, `${path}/`, depth + 1)
    finish(from, folder.number, stats)
    return
  }
  if (isLinked(copy, target, name, path, stats)) return
  if (kind === S_IFREG) {
    using file = new Fd(syscall('openat', target, name, O_WRONLY + O_CREAT + O_EXCL + O_CLOEXEC, 0o600))
    using content = new Fd(syscall('openat', PROC_FDS, String(from), O_RDONLY + O_NONBLOCK + O_CLOEXEC))
    await copyContent(copy, content.number, file.number, Number(stats.size))
    finish(content.number, file.number, stats)
    return
  }
  if (kind === S_IFLNK) syscall('symlinkat', linkTarget(from), target, name)
  else syscall('mknodat', target, name, Number(stats.mode), Number(stats.rdev))
  syscall('fchownat', target, name, Number(stats.uid), Number(stats.gid), AT_SYMLINK_NOFOLLOW)
  if (kind !== S_IFLNK) chmodSync(`/proc/self/fd/${target}/${name}`, Number(stats.mode) & 0o7777)
  syscall('utimensat', target, name, times(stats), AT_SYMLINK_NOFOLLOW)
}
