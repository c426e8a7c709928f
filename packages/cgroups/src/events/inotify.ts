import { constants, readSync } from 'node:fs'
import { Fd, O_CLOEXEC, onReadable, syscall, syscallOr, type ReadyWait } from '@ctr/linux'
import { CgroupError } from '../errors.js'
import { errnoOf, pathError } from '../kernel/errno.js'

export const IN_MODIFY = 0x2
export const IN_CREATE = 0x100
export const IN_DELETE = 0x200
const IN_Q_OVERFLOW = 0x4000
const IN_IGNORED = 0x8000
const IN_MASK_ADD = 0x20000000

/** A folder that is watched. */
export interface FolderWatch {
  close(): void
}

/** Called with the name of the file in the folder; `undefined` when news were lost, and everything may have changed. */
type Changed = (name: string | undefined) => void

/**
 * The one inotify descriptor of a thread: a user may have 128 of them, and a host has more groups than that. It is open
 * as long as something is watched.
 */
interface Inotify {
  readonly fd: Fd
  readonly listeners: Map<number, Set<Changed>>
  wait: ReadyWait
}
let open: Inotify | undefined

/**
 * Watches a folder for files in it that are written to, by anybody or by the kernel (`cgroup.events`), or for folders
 * that are made or removed.
 *
 * @param mask - `IN_MODIFY`, `IN_CREATE`, `IN_DELETE`, added; others may want others of the same folder, and all are
 *   told of all.
 * @throws {@link CgroupError} `ERR_CGROUP_NOT_FOUND`: no such folder; `ERR_CGROUP_IO`: too many watches.
 */
export function watchFolder(folder: string, mask: number, changed: Changed): FolderWatch {
  const inotify = (open ??= openInotify())
  let watch: number
  try {
    watch = syscall('inotify_add_watch', inotify.fd.number, folder, mask + IN_MASK_ADD)
  } catch (error) {
    closeUnlessUsed(inotify)
    throw watchError(folder, error)
  }
  const known = inotify.listeners.get(watch)
  if (known) known.add(changed)
  else inotify.listeners.set(watch, new Set([changed]))
  return {
    close() {
      const listeners = inotify.listeners.get(watch)
      if (listeners?.delete(changed) !== true || listeners.size > 0) return
      inotify.listeners.delete(watch)
      // EINVAL: the folder is gone, and its watch with it
      syscallOr(['EINVAL'], 'inotify_rm_watch', inotify.fd.number, watch)
      closeUnlessUsed(inotify)
    },
  }
}

function openInotify(): Inotify {
  try {
    const fd = new Fd(syscall('inotify_init1', constants.O_NONBLOCK | O_CLOEXEC))
    const inotify: Inotify = { fd, listeners: new Map(), wait: { cancel() {}, unref() {}, ref() {} } }
    arm(inotify)
    process.once('exit', closeOpen) // a worker thread ends without its process
    return inotify
  } catch (error) {
    throw watchError('files', error)
  }
}

function arm(inotify: Inotify): void {
  inotify.wait = onReadable(inotify.fd.number, () => {
    arm(inotify)
    deliver(inotify)
  })
}

function closeUnlessUsed(inotify: Inotify): void {
  if (inotify.listeners.size === 0 && open === inotify) closeOpen()
}

function closeOpen(): void {
  if (open === undefined) return
  process.removeListener('exit', closeOpen)
  open.wait.cancel()
  open.fd.close()
  open = undefined
}

/** Header of `struct inotify_event`: watch, mask, cookie, length of the name. */
const HEADER = 16

function deliver(inotify: Inotify): void {
  const buffer = Buffer.alloc(16 * 1024)
  let length: number
  try {
    length = readSync(inotify.fd.number, buffer)
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return
    throw error
  }
  for (let at = 0; at + HEADER <= length;) {
    const watch = buffer.readInt32LE(at)
    const mask = buffer.readUInt32LE(at + 4)
    const size = buffer.readUInt32LE(at + 12)
    const name = buffer.toString('utf8', at + HEADER, at + HEADER + size).replace(/\0+$/, '')
    at += HEADER + size
    if ((mask & IN_Q_OVERFLOW) !== 0) tell([...inotify.listeners.values()], undefined)
    else if ((mask & IN_IGNORED) === 0) tell([inotify.listeners.get(watch) ?? new Set()], name)
  }
}

function tell(all: readonly ReadonlySet<Changed>[], name: string | undefined): void {
  for (const listeners of all) for (const changed of [...listeners]) if (listeners.has(changed)) changed(name)
}

function watchError(path: string, error: unknown): CgroupError {
  const errno = errnoOf(error)
  if (errno === 'ENOENT')
    return new CgroupError('ERR_CGROUP_NOT_FOUND', `cannot watch ${path}: there is no such group`, {
      path,
      errno,
      cause: error,
    })
  const sysctl =
    errno === 'ENOSPC' ? 'max_user_watches' : errno === 'EMFILE' ? 'max_user_instances' : undefined
  if (sysctl === undefined) return pathError('watch', path, error)
  return new CgroupError(
    'ERR_CGROUP_IO',
    `cannot watch ${path}: ${errno} (this user watches too much already), raise fs.inotify.${sysctl}`,
    { path, errno, cause: error },
  )
}
