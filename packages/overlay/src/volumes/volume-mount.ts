import { readFileSync, rmdirSync } from 'node:fs'
import {
  AT_FDCWD,
  cloneMount,
  Fd,
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  isSyscallError,
  MNT_DETACH,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  moveMount,
  mountSetattr,
  umount2,
} from '@ctr/linux'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import type { StorageLimit } from '../quota/storage-limit.js'

/** What is mounted where the files of a volume are, as mount(8) is told. */
export interface VolumeMount {
  /** `none` with the option `bind`, `tmpfs`, or the file system of a block device: `ext4`, `xfs`, `btrfs`. */
  readonly type: string
  /** An absolute path; of a `tmpfs` any word. */
  readonly device: string
  /** Options, with commas between them. Default none. */
  readonly options?: string | undefined
}

const ofDevices = ['ext4', 'xfs', 'btrfs']
const attributes: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR_RDONLY,
  nosuid: MOUNT_ATTR_NOSUID,
  nodev: MOUNT_ATTR_NODEV,
  noexec: MOUNT_ATTR_NOEXEC,
  noatime: MOUNT_ATTR_NOATIME,
  nodiratime: MOUNT_ATTR_NODIRATIME,
}
const ofNothing = ['', 'rw', 'defaults', 'bind', 'rbind']

/**
 * Refuses what cannot be mounted, before a volume is made of it.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG`.
 */
export function checkVolumeMount(
  { type, device, options = '' }: VolumeMount,
  { storage }: { readonly storage?: StorageLimit | undefined },
): void {
  if (storage !== undefined) throw invalid('only folders of the store can be limited')
  const binds = isBind(options)
  if (!binds && type !== 'tmpfs' && !ofDevices.includes(type))
    throw invalid(`its type is ${JSON.stringify(type)}: binds, tmpfs, ${ofDevices.join(', ')} are there`)
  if ((binds || type !== 'tmpfs') && !device.startsWith('/'))
    throw invalid(`its device ${JSON.stringify(device)} is no absolute path`)
  if (`${type}${device}${options}`.includes('\0')) throw invalid('its options have a NUL byte')
  const further = furtherOptions(options)
  if (binds && further.length > 0) throw invalid(`a bind has no option ${JSON.stringify(further[0])}`)
}

/** Mounts it at a folder, unless something is mounted there. */
export function mountVolume({ type, device, options = '' }: VolumeMount, folder: string): void {
  if (isMounted(folder)) return
  const set = words(options).reduce((bits, word) => bits | (attributes[word] ?? 0), 0)
  using mount = isBind(options)
    ? new Fd(cloneMount(device, { recursive: words(options).includes('rbind') }))
    : newFileSystem(type, device, furtherOptions(options))
  if (set !== 0) mountSetattr(mount.number, { set })
  moveMount(mount.number, AT_FDCWD, folder)
}

/** Takes away what is mounted at a folder, all of it; whoever has it open keeps it. */
export function unmountVolume(folder: string): void {
  for (;;) {
    try {
      umount2(folder, MNT_DETACH)
    } catch (error) {
      if (isSyscallError(error) && (error.code === 'EINVAL' || error.code === 'ENOENT')) return
      throw error
    }
  }
}

function newFileSystem(type: string, device: string, options: readonly string[]): Fd {
  using fs = new Fd(fsopen(type))
  fsconfigString(fs.number, 'source', device)
  for (const option of options) {
    const at = option.indexOf('=')
    if (at < 0) fsconfigFlag(fs.number, option)
    else fsconfigString(fs.number, option.slice(0, at), option.slice(at + 1))
  }
  fsconfigCreate(fs.number)
  return new Fd(fsmount(fs.number))
}

/** Reads what is kept of a mount; undefined for none. */
export function parseVolumeMount(value: unknown): VolumeMount | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { type, device, options } = value as Readonly<Record<string, unknown>>
  if (typeof type !== 'string' || typeof device !== 'string') return undefined
  return { type, device, ...(typeof options === 'string' ? { options } : {}) }
}

/** Removes the folder of a volume that nobody uses, unless that would remove what is mounted there: then true. */
export function isStillMounted(data: string): boolean {
  try {
    rmdirSync(data)
    return false
  } catch (error) {
    if (errnoOf(error) === 'EBUSY') return true
    if (errnoOf(error) === 'ENOTEMPTY') return false // from before it was mounted the first time
    throw systemError('remove', data, error)
  }
}

function isMounted(folder: string): boolean {
  const path = folder.replaceAll(
    /[\\ \t\n]/g,
    (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === path)
}

function words(options: string): string[] {
  return options.split(',')
}

function isBind(options: string): boolean {
  return words(options).some((word) => word === 'bind' || word === 'rbind')
}

/** Those that are for the file system itself. */
function furtherOptions(options: string): string[] {
  return words(options).filter((word) => !ofNothing.includes(word) && attributes[word] === undefined)
}

function invalid(why: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_INVALID_ARG', `cannot make a volume of a mount: ${why}`)
}
