import { withBits } from '../bits.js'
import { AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE } from '../constants/file.js'
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FD,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../constants/mount.js'
import { Struct } from '../program/argument.js'
import { mountAttributeFlags, mountFlags, named } from '../program/printers.js'
import { syscall } from '../syscall.js'

/** mount(2). Prefer the descriptor-based calls below: they name what they act on and cannot be redirected. */
export function mount(
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null = null,
): void {
  syscall('mount', source, target, type, flags, data)
}

/** umount2(2): `MNT_DETACH` lets users of the mount finish, `UMOUNT_NOFOLLOW` does not follow a link. */
export function umount2(target: string, flags = 0): void {
  syscall('umount2', target, flags)
}

/** fsopen(2): begins the set-up of a file system; the descriptor is close-on-exec. */
export function fsopen(type: string): number {
  return syscall('fsopen', type, FSOPEN_CLOEXEC)
}

/** fsconfig(2) with `FSCONFIG_SET_STRING`. */
export function fsconfigString(fs: number, key: string, value: string): void {
  syscall('fsconfig', fs, FSCONFIG_SET_STRING, key, value, 0)
}

/** fsconfig(2) with `FSCONFIG_SET_FLAG`. */
export function fsconfigFlag(fs: number, key: string): void {
  syscall('fsconfig', fs, FSCONFIG_SET_FLAG, key, null, 0)
}

/** fsconfig(2) with `FSCONFIG_SET_FD`. */
export function fsconfigFd(fs: number, key: string, fd: number): void {
  syscall('fsconfig', fs, FSCONFIG_SET_FD, key, null, fd)
}

/** fsconfig(2) with `FSCONFIG_CMD_CREATE`: makes the file system as it was set up. */
export function fsconfigCreate(fs: number): void {
  syscall('fsconfig', fs, FSCONFIG_CMD_CREATE, null, null, 0)
}

/**
 * fsmount(2): a detached mount of the file system.
 *
 * @param attributes - `MOUNT_ATTR_*`.
 */
export function fsmount(fs: number, attributes = 0): number {
  return syscall('fsmount', fs, FSMOUNT_CLOEXEC, attributes)
}

/**
 * open_tree(2), close-on-exec.
 *
 * @param flags - `OPEN_TREE_CLONE` for a detached copy, `AT_RECURSIVE`, `AT_EMPTY_PATH`, `AT_SYMLINK_NOFOLLOW`.
 */
export function openTree(folder: number, path: string, flags: number): number {
  return syscall('open_tree', folder, path, withBits(flags, OPEN_TREE_CLOEXEC))
}

/** move_mount(2): attaches a detached mount at `path`, which is followed below `folder`. */
export function moveMount(detached: number, folder: number, path: string, flags = 0): void {
  syscall('move_mount', detached, '', folder, path, withBits(flags, MOVE_MOUNT_F_EMPTY_PATH))
}

/** What mount_setattr(2) changes. */
export interface MountAttributes {
  /** `MOUNT_ATTR_*` to set. */
  readonly set?: number
  /** `MOUNT_ATTR_*` to clear. */
  readonly clear?: number
  /** `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED` or `MS_UNBINDABLE`. */
  readonly propagation?: number
  /** User namespace whose map the mount takes on, with `MOUNT_ATTR_IDMAP`. */
  readonly userns?: number
}

/** The `struct mount_attr` of mount_setattr(2), for programs. */
export function mountAttributes({
  set = 0,
  clear = 0,
  propagation = 0,
  userns = 0,
}: MountAttributes): Struct {
  const bytes = Buffer.alloc(32)
  bytes.writeUIntLE(set, 0, 6)
  bytes.writeUIntLE(clear, 8, 6)
  bytes.writeUIntLE(propagation, 16, 6)
  bytes.writeUIntLE(userns, 24, 6)
  return new Struct(bytes, () => {
    const fields = [
      ...named('attr_set', set, mountAttributeFlags),
      ...named('attr_clr', clear, mountAttributeFlags),
      ...named('propagation', propagation, mountFlags),
      ...named('userns_fd', userns, String),
    ]
    return `{${fields.join(', ')}}`
  })
}

/** mount_setattr(2) on the mount behind a descriptor. With `recursive`, on all mounts below it too. */
export function mountSetattr(mountFd: number, attributes: MountAttributes, { recursive = false } = {}): void {
  syscall(
    'mount_setattr',
    mountFd,
    '',
    AT_EMPTY_PATH + (recursive ? AT_RECURSIVE : 0),
    mountAttributes(attributes),
    32,
  )
}

/** pivot_root(2): `pivotRoot('.', '.')` stacks the old root on the new one, to be unmounted with `MNT_DETACH`. */
export function pivotRoot(newRoot: string, putOld: string): void {
  syscall('pivot_root', newRoot, putOld)
}

/** A detached, private copy of the mount at `path` of this process, with everything below it if `recursive`. */
export function cloneMount(path: string, { recursive = false } = {}): number {
  return openTree(AT_FDCWD, path, OPEN_TREE_CLONE + (recursive ? AT_RECURSIVE : 0))
}
