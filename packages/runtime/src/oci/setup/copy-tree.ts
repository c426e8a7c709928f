import {
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  opendirSync,
  readSync,
  writeSync,
  type BigIntStats,
} from 'node:fs'
import {
  AT_FDCWD,
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

interface Copy {
  /** Root of the copy. */
  readonly target: number
  /** Where in the copy files with several names are, by device and inode. */
  readonly linked: Map<string, string>
  readonly buffer: Buffer
  began: number
}

/** Name or path of a file, a character for each byte: it need not be UTF-8. */
type Bytes = string

/** Something in the folder that is copied, opened (`O_PATH`), and the name that it is to have in `target`. */
interface Item {
  readonly from: number
  readonly stats: BigIntStats
  readonly target: number
  readonly name: Bytes
  /** In the copy, from its root. */
  readonly path: Bytes
  readonly depth: number
}

/**
 * Copies the content of a folder into another, which is empty and nobody else's: files, folders, links, hard links,
 * device nodes, fifos and sockets, with their modes, owners, times and extended attributes. Holes stay holes.
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

async function copyEntries(
  copy: Copy,
  source: number,
  target: number,
  path: Bytes,
  depth: number,
): Promise<void> {
  if (depth > DEEPEST) {
    throw new RuntimeError('ERR_RUNTIME_START', `cannot copy ${path}: folders are deeper than ${DEEPEST}`)
  }
  const folder = opendirSync(`/proc/self/fd/${source}`, { encoding: 'latin1' })
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      await breathe(copy)
      const { name } = entry
      const opened = syscallOr(['ENOENT'], 'openat', source, bytes(name), O_PATH + O_NOFOLLOW + O_CLOEXEC)
      if (opened === 'ENOENT') continue
      using from = new Fd(opened)
      const stats = fstatSync(from.number, { bigint: true })
      await copyItem(copy, { from: from.number, stats, target, name, path: path + name, depth })
    }
  } finally {
    folder.closeSync()
  }
}

async function copyItem(copy: Copy, item: Item): Promise<void> {
  const { from, stats, target, name, path, depth } = item
  const kind = Number(stats.mode) & S_IFMT
  if (kind === S_IFDIR) {
    syscall('mkdirat', target, bytes(name), 0o700)
    using made = new Fd(
      syscall('openat', target, bytes(name), O_RDONLY + O_DIRECTORY + O_NOFOLLOW + O_CLOEXEC),
    )
    await copyEntries(copy, from, made.number, `${path}/`, depth + 1)
    finish(from, made.number, stats)
  } else if (linkAgain(copy, item)) return
  else if (kind === S_IFREG) {
    using made = new Fd(
      syscall('openat', target, bytes(name), O_WRONLY + O_CREAT + O_EXCL + O_CLOEXEC, 0o600),
    )
    using content = new Fd(
      syscall('openat', AT_FDCWD, `/proc/self/fd/${from}`, O_RDONLY + O_NONBLOCK + O_CLOEXEC),
    )
    await copyContent(copy, content.number, made.number, Number(stats.size))
    finish(from, made.number, stats)
  } else {
    if (kind === S_IFLNK) syscall('symlinkat', linkTarget(from), target, bytes(name))
    else syscall('mknodat', target, bytes(name), Number(stats.mode), Number(stats.rdev))
    syscall('fchownat', target, bytes(name), Number(stats.uid), Number(stats.gid), AT_SYMLINK_NOFOLLOW)
    // a change of owner may clear bits, and the mode mask of ours has taken some away
    if (kind !== S_IFLNK) syscall('fchmodat', target, bytes(name), Number(stats.mode) & 0o7777)
    syscall('utimensat', target, bytes(name), times(stats), AT_SYMLINK_NOFOLLOW)
  }
}

/** Gives a file that was copied already its other name. */
function linkAgain({ target: root, linked }: Copy, { stats, target, name, path }: Item): boolean {
  if (stats.nlink < 2n) return false
  const key = `${stats.dev}:${stats.ino}`
  const first = linked.get(key)
  if (first === undefined) linked.set(key, path)
  else syscall('linkat', root, bytes(first), target, bytes(name), 0)
  return first !== undefined
}

/** Copies what is there of a file, and leaves its holes out. */
async function copyContent(copy: Copy, from: number, to: number, size: number): Promise<void> {
  for (let at = 0; at < size;) {
    const data = syscallOr(['ENXIO'], 'lseek', from, at, SEEK_DATA)
    if (data === 'ENXIO') break
    const hole = Math.min(size, syscall('lseek', from, data, SEEK_HOLE))
    for (at = data; at < hole;) {
      await breathe(copy)
      const length = readSync(from, copy.buffer, 0, Math.min(copy.buffer.length, hole - at), at)
      if (length === 0) break
      for (let done = 0; done < length;) done += writeSync(to, copy.buffer, done, length - done, at + done)
      at += length
    }
    if (at < hole) break // it has become shorter meanwhile
  }
  ftruncateSync(to, size)
}

/** Gives a file or folder, open for that, what else the original has. */
function finish(from: number, to: number, stats: BigIntStats): void {
  fchownSync(to, Number(stats.uid), Number(stats.gid))
  fchmodSync(to, Number(stats.mode) & 0o7777)
  copyXattrs(from, to)
  syscall('utimensat', to, null, times(stats), 0)
}

function times({ atimeNs, mtimeNs }: BigIntStats): Buffer {
  const both = Buffer.alloc(32)
  const billion = 1_000_000_000n
  for (const [offset, ns] of [
    [0, atimeNs],
    [16, mtimeNs],
  ] as const) {
    const rest = ((ns % billion) + billion) % billion // nanoseconds are never negative, seconds may be
    both.writeBigInt64LE((ns - rest) / billion, offset)
    both.writeBigInt64LE(rest, offset + 8)
  }
  return both
}

function linkTarget(link: number): Buffer {
  const buffer = Buffer.alloc(4097)
  const length = syscall('readlinkat', link, '', out(buffer), buffer.length - 1)
  return buffer.subarray(0, length + 1)
}

function bytes(name: Bytes): Buffer {
  return Buffer.from(`${name}\0`, 'latin1')
}

/** Lets others have their turn, now and then. */
async function breathe(copy: Copy): Promise<void> {
  if (Date.now() - copy.began < SLICE_MS) return
  await new Promise((resolve) => setImmediate(resolve))
  copy.began = Date.now()
}

const SEEK_DATA = 3
const SEEK_HOLE = 4
