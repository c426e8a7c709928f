import { closeSync, constants, existsSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { CgroupError } from '../errors.js'
import { codeOf, errnoOf, pathError, reason } from './errno.js'

/** No interface file is read further than this. `cgroup.procs` of a million processes fits. */
const READ_LIMIT = 16 * 2 ** 20

/** Reads a whole interface file. A missing file is `undefined`; every other failure is a {@link CgroupError}. */
export function readFileIfThere(path: string): string | undefined {
  try {
    return readWhole(path)
  } catch (error) {
    const errno = errnoOf(error)
    // ENODEV: the group was removed after its file was opened
    if (errno === 'ENOENT' || errno === 'ENODEV') return undefined
    throw pathError('read', path, error)
  }
}

/** Reads a whole interface file that must be there. */
export function readInterfaceFile(path: string): string {
  const text = readFileIfThere(path)
  if (text !== undefined) return text
  throw new CgroupError('ERR_CGROUP_NOT_FOUND', `cannot read ${path}: there is no such file`, {
    path,
    errno: 'ENOENT',
  })
}

function readWhole(path: string): string {
  const fd = openSync(path, constants.O_RDONLY)
  try {
    const chunks: Buffer[] = []
    let total = 0
    // seq files may return less than is there: only 0 is the end
    for (let size = 2048; total < READ_LIMIT; size = Math.min(size * 4, 2 ** 20)) {
      const chunk = Buffer.allocUnsafe(size)
      const length = readSync(fd, chunk, 0, size, null)
      if (length === 0) break
      chunks.push(chunk.subarray(0, length))
      total += length
    }
    return (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('latin1')
  } finally {
    closeSync(fd)
  }
}

/** One write to an interface file. */
export interface FileWrite {
  readonly path: string
  readonly value: string
}

/**
 * Writes values to interface files, one `write(2)` each, in order. Consecutive writes to one file share
 * its fd: a device list costs one `open` instead of one a rule. Stops at the first failure.
 *
 * @throws {@link CgroupError}
 *   - `ERR_CGROUP_NOT_FOUND`: the group is not there.
 *   - `ERR_CGROUP_UNSUPPORTED`: the group is, the file is not.
 *   - `ERR_CGROUP_PERMISSION`: `EACCES`, `EPERM`, `EROFS`.
 *   - `ERR_CGROUP_NO_PROCESS`: `ESRCH`.
 *   - `ERR_CGROUP_REFUSED`: the kernel does not take the value.
 */
export function writeInterfaceFiles(writes: readonly FileWrite[]): void {
  let open: { readonly path: string; readonly fd: number } | undefined
  try {
    for (const write of writes) {
      try {
        if (open?.path !== write.path) {
          if (open) closeSync(open.fd)
          open = undefined
          // no O_CREAT: a missing file must stay missing
          open = { path: write.path, fd: openSync(write.path, constants.O_WRONLY) }
        }
        writeSync(open.fd, write.value)
      } catch (error) {
        throw writeError(write, error)
      }
    }
  } finally {
    if (open) closeSync(open.fd)
  }
}

/** Writes one value to one interface file; errors as {@link writeInterfaceFiles}. */
export function writeInterfaceFile(path: string, value: string): void {
  writeInterfaceFiles([{ path, value }])
}

function writeError({ path, value }: FileWrite, error: unknown): CgroupError {
  const errno = errnoOf(error)
  const context = { path, value, errno, cause: error }
  const what = `cannot write ${JSON.stringify(value)} to ${path}`
  if ((errno === 'ENODEV' || errno === 'ENOENT') && !existsSync(dirname(path)))
    return new CgroupError('ERR_CGROUP_NOT_FOUND', `${what}: the group is gone`, context)
  if (errno === 'ENOENT') {
    const why = `ENOENT (no such file or directory): the kernel was built or booted without it${hint(path, errno)}`
    return new CgroupError('ERR_CGROUP_UNSUPPORTED', `${what}: ${why}`, context)
  }
  const code = codeOf(errno)
  return new CgroupError(
    code === 'ERR_CGROUP_IO' ? 'ERR_CGROUP_REFUSED' : code,
    `${what}: ${reason(error)}${hint(path, errno)}`,
    context,
  )
}

/** What is usually behind a refusal, where the errno alone does not say. */
function hint(path: string, errno: string | undefined): string {
  const file = path.slice(path.lastIndexOf('/') + 1)
  if (errno === 'ENOENT') return /memsw|swap/.test(file) ? ' (swap accounting: boot with swapaccount=1)' : ''
  if (errno === 'EBUSY' && /^memory\..*(limit_in_bytes|max)$/.test(file))
    return '; the group uses more than that and the kernel could not reclaim it'
  if (errno === 'EINVAL' && file === 'memory.limit_in_bytes')
    return '; the limit must not be above the limit of memory and swap together (memory.swap)'
  if (errno === 'EINVAL' && file === 'memory.memsw.limit_in_bytes')
    return '; memory and swap together (memory.swap) must not be below memory.limit'
  if (errno === 'EINVAL' && /^cpu\.(cfs_|max)/.test(file))
    return '; the quota may be above that of a parent group'
  if (errno === 'EINVAL' && file === 'cpu.shares') return '; an idle group has no shares'
  if ((errno === 'EACCES' || errno === 'EINVAL' || errno === 'ENODEV') && file.startsWith('cpuset.'))
    return '; they must be online and among those of the parent group'
  if (errno === 'ENODEV' && /^(blkio|io)\./.test(file))
    return '; there is no such block device, or it is a partition'
  if (errno === 'EINVAL' && file === 'cpu.rt_runtime_us')
    return '; the groups above must have as much time for real-time processes'
  if (errno === 'ENODEV' && file === 'net_prio.ifpriomap') return '; there is no such interface'
  if (errno === 'ENOTSUP' && file === 'cgroup.type')
    return '; the group above hands on controllers that threads cannot be told apart by, as memory and io'
  if (errno === 'ENOTSUP' && file === 'cgroup.threads')
    return '; the group must be threaded, and below the group of the process'
  if (errno === 'EPERM' && file === 'devices.allow') return '; the parent group does not allow it'
  return ''
}
