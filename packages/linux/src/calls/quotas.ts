import { out } from '../program/argument.js'
import { syscall, syscallOr } from '../syscall.js'

// ioctl(2) requests of include/uapi/linux/fs.h
const FS_IOC_FSGETXATTR = 0x801c581f
/** The request of ioctl(2) by which a file gets another project. */
export const FS_IOC_FSSETXATTR = 0x401c5820
const FS_XFLAG_PROJINHERIT = 0x200

// struct fsxattr: flags, extent size, extents, project, size for copies, padding
const fsxattrSize = 28
const XFLAGS = 0
const PROJECT = 12

// commands of quotactl(2), with the kind of quota in the lowest byte
const PRJQUOTA = 2
const Q_GETQUOTA = 0x800007 * 256 + PRJQUOTA
const Q_SETQUOTA = 0x800008 * 256 + PRJQUOTA
const Q_XGETQSTAT = 0x5805 * 256 + PRJQUOTA

// struct if_dqblk: limits, use, times; what of it is valid
const dqblkSize = 72
const blockSize = 1024
const QIF_LIMITS = 5

// struct fs_quota_stat
const quotaStatSize = 128
const FS_QUOTA_PDQ_ENFD = 1 << 5

/** What a project may take of a file system, and what it takes. */
export interface ProjectQuota {
  /** Most bytes on disk; undefined for as many as there are. */
  readonly bytes: number | undefined
  /** Most files, folders and the like; undefined for as many as there are. */
  readonly inodes: number | undefined
  /** Bytes on disk that it takes. */
  readonly usedBytes: number
  /** Files, folders and the like that it has. */
  readonly usedInodes: number
}

/**
 * Makes a file or folder part of a project (`FS_IOC_FSSETXATTR` of ioctl(2)). What is made in the folder afterwards is
 * part of it too; what is there already is not.
 *
 * @param fd - Of the file or folder, open for reading.
 * @param project - 0 for none.
 * @throws {@link SyscallError} `EOPNOTSUPP`, `ENOTTY`: the file system has no projects.
 */
export function setProject(fd: number, project: number): void {
  const attributes = Buffer.alloc(fsxattrSize)
  syscall('ioctl', fd, FS_IOC_FSGETXATTR, out(attributes))
  const flags = attributes.readUInt32LE(XFLAGS)
  const inherit = project === 0 ? flags & ~FS_XFLAG_PROJINHERIT : flags | FS_XFLAG_PROJINHERIT
  attributes.writeUInt32LE(inherit >>> 0, XFLAGS)
  attributes.writeUInt32LE(project, PROJECT)
  syscall('ioctl', fd, FS_IOC_FSSETXATTR, attributes)
}

/** The project that a file or folder is part of (`FS_IOC_FSGETXATTR` of ioctl(2)); 0 for none. */
export function projectOf(fd: number): number {
  const attributes = Buffer.alloc(fsxattrSize)
  syscall('ioctl', fd, FS_IOC_FSGETXATTR, out(attributes))
  return attributes.readUInt32LE(PROJECT)
}

/**
 * Whether limits of projects bind on a file system (`Q_XGETQSTAT` of quotactl_fd(2), Linux 5.14).
 *
 * @param fd - Of any file on it.
 * @returns True, or the name of what the kernel says: `ENOSYS` where neither it nor the file system knows of quotas;
 *   false where it only counts.
 */
export function limitsProjects(fd: number): boolean | 'ENOSYS' | 'ESRCH' | 'EINVAL' {
  const stat = Buffer.alloc(quotaStatSize)
  const refused = syscallOr(['ENOSYS', 'ESRCH', 'EINVAL'], 'quotactl_fd', fd, Q_XGETQSTAT, 0, out(stat))
  if (typeof refused === 'string') return refused
  return (stat.readUInt16LE(2) & FS_QUOTA_PDQ_ENFD) !== 0
}

/**
 * What a project may take, and takes (`Q_GETQUOTA` of quotactl_fd(2)).
 *
 * @param fd - Of any file on the file system.
 */
export function projectQuota(fd: number, project: number): ProjectQuota {
  const block = Buffer.alloc(dqblkSize)
  // xfs does not know of those that nothing belongs to
  syscallOr(['ENOENT'], 'quotactl_fd', fd, Q_GETQUOTA, project, out(block))
  const field = (index: number): number => Number(block.readBigUInt64LE(index * 8))
  return {
    bytes: field(0) === 0 ? undefined : field(0) * blockSize,
    inodes: field(3) === 0 ? undefined : field(3),
    usedBytes: field(2),
    usedInodes: field(5),
  }
}

/**
 * Limits what a project may take (`Q_SETQUOTA` of quotactl_fd(2)). What it has already stays.
 *
 * @param fd - Of any file on the file system.
 * @param limits - Bytes are rounded up to 1,024; undefined for no limit.
 */
export function setProjectQuota(
  fd: number,
  project: number,
  { bytes, inodes }: Pick<ProjectQuota, 'bytes' | 'inodes'>,
): void {
  const block = Buffer.alloc(dqblkSize)
  block.writeBigUInt64LE(BigInt(Math.ceil((bytes ?? 0) / blockSize)), 0)
  block.writeBigUInt64LE(BigInt(inodes ?? 0), 24)
  block.writeUInt32LE(QIF_LIMITS, 64)
  syscall('quotactl_fd', fd, Q_SETQUOTA, project, block)
}
