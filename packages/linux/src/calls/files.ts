import { O_CLOEXEC } from '../constants/file.js'
import { out, Struct } from '../program/argument.js'
import { syscall, syscallOr } from '../syscall.js'
import { withBits } from '../bits.js'
import { named, octal, openFlags, resolveFlags } from '../program/printers.js'

/** How openat2(2) opens. */
export interface OpenHow {
  /** `O_*`; close-on-exec is always set. */
  readonly flags: number
  /** Permissions of a file that is made. */
  readonly mode?: number | undefined
  /** `RESOLVE_*`: how far the path may lead. */
  readonly resolve?: number | undefined
}

/** Size of `struct open_how`, the last argument of openat2(2). */
export const OPEN_HOW_SIZE = 24

/** The `struct open_how` of openat2(2), for programs. */
export function openHow({ flags, mode = 0, resolve = 0 }: OpenHow): Struct {
  const all = withBits(flags, O_CLOEXEC)
  const bytes = Buffer.alloc(OPEN_HOW_SIZE)
  bytes.writeUIntLE(all, 0, 6)
  bytes.writeUIntLE(mode, 8, 6)
  bytes.writeUIntLE(resolve, 16, 6)
  return new Struct(bytes, () => {
    const fields = [
      `flags: ${openFlags(all)}`,
      ...named('mode', mode, octal),
      ...named('resolve', resolve, resolveFlags),
    ]
    return `{${fields.join(', ')}}`
  })
}

/** openat2(2): opens `path` below `folder`, no further than `resolve` allows. Close-on-exec. */
export function openat2(folder: number, path: string, how: OpenHow): number {
  return syscall('openat2', folder, path, openHow(how), OPEN_HOW_SIZE)
}

/** mkdirat(2). */
export function mkdirat(folder: number, path: string, mode: number): void {
  syscall('mkdirat', folder, path, mode)
}

/** mknodat(2): `mode` carries the kind of file, `device` the number from `makedev`. */
export function mknodat(folder: number, path: string, mode: number, device = 0): void {
  syscall('mknodat', folder, path, mode, device)
}

/** Number of a device as mknod(2) takes it, see makedev(3). */
export function makedev(major: number, minor: number): number {
  return (minor & 0xff) + ((major & 0xfff) << 8) + (minor >>> 8) * 2 ** 20
}

/** symlinkat(2): a link at `path` that says `target`. */
export function symlinkat(target: string, folder: number, path: string): void {
  syscall('symlinkat', target, folder, path)
}

/** linkat(2): `newPath` becomes another name of the file at `oldPath`. */
export function linkat(
  oldFolder: number,
  oldPath: string,
  newFolder: number,
  newPath: string,
  flags = 0,
): void {
  syscall('linkat', oldFolder, oldPath, newFolder, newPath, flags)
}

/** unlinkat(2): with `AT_REMOVEDIR` an empty folder. */
export function unlinkat(folder: number, path: string, flags = 0): void {
  syscall('unlinkat', folder, path, flags)
}

/** renameat2(2): `RENAME_NOREPLACE`, `RENAME_EXCHANGE` or `RENAME_WHITEOUT`. */
export function renameat2(
  oldFolder: number,
  oldPath: string,
  newFolder: number,
  newPath: string,
  flags = 0,
): void {
  syscall('renameat2', oldFolder, oldPath, newFolder, newPath, flags)
}

/** fchownat(2): owner and group, -1 to leave one as it is. */
export function fchownat(folder: number, path: string, uid: number, gid: number, flags = 0): void {
  syscall('fchownat', folder, path, uid, gid, flags)
}

/** fchmodat(2); follows symbolic links. */
export function fchmodat(folder: number, path: string, mode: number): void {
  syscall('fchmodat', folder, path, mode)
}

/** utimensat(2): access and modification time in nanoseconds since 1970. */
export function utimensat(
  folder: number,
  path: string,
  times: { readonly atimeNs: bigint; readonly mtimeNs: bigint },
  flags = 0,
): void {
  const bytes = Buffer.alloc(32)
  writeTimespec(bytes, 0, times.atimeNs)
  writeTimespec(bytes, 16, times.mtimeNs)
  syscall('utimensat', folder, path, bytes, flags)
}

function writeTimespec(bytes: Buffer, offset: number, ns: bigint): void {
  const billion = 1_000_000_000n
  const rest = ((ns % billion) + billion) % billion // nanoseconds are never negative, seconds may be
  bytes.writeBigInt64LE((ns - rest) / billion, offset)
  bytes.writeBigInt64LE(rest, offset + 8)
}

/** readlinkat(2): what a symbolic link says; with an empty path and `folder` the link itself (`O_PATH`). */
export function readlinkat(folder: number, path: string): string {
  const buffer = Buffer.alloc(4097)
  const length = syscall('readlinkat', folder, path, out(buffer), buffer.length)
  return buffer.toString('utf8', 0, length)
}

/** lsetxattr(2): sets an extended attribute, of a link itself where `path` is one. */
export function lsetxattr(path: string, name: string, value: Uint8Array, flags = 0): void {
  syscall('lsetxattr', path, name, value, value.length, flags)
}

/** fsetxattr(2). */
export function fsetxattr(fd: number, name: string, value: Uint8Array, flags = 0): void {
  syscall('fsetxattr', fd, name, value, value.length, flags)
}

/** lgetxattr(2): the value, or undefined where there is none. Values are at most 64 KiB. */
export function lgetxattr(path: string, name: string): Buffer | undefined {
  const buffer = Buffer.alloc(65536)
  const length = syscallOr(['ENODATA', 'EOPNOTSUPP'], 'lgetxattr', path, name, out(buffer), buffer.length)
  return typeof length === 'number' ? Buffer.from(buffer.subarray(0, length)) : undefined
}

/** llistxattr(2): names of the extended attributes. */
export function llistxattr(path: string): string[] {
  const buffer = Buffer.alloc(65536)
  const length = syscallOr(['EOPNOTSUPP'], 'llistxattr', path, out(buffer), buffer.length)
  if (typeof length !== 'number') return []
  return buffer.toString('utf8', 0, length).split('\0').filter(Boolean)
}
