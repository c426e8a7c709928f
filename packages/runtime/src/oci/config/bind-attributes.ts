import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
} from '@ctr/linux'
import type { ParsedMountOptions } from './mount-options.js'

/** What to set and clear with mount_setattr(2): `attr_set` and `attr_clr`. */
export interface AttributeChange {
  readonly set: number
  readonly clear: number
}

/** How the attributes of a bind come from its source's and its options. */
export interface BindAttributes {
  /** To try first. */
  readonly wanted: AttributeChange
  /**
   * To try when the kernel answers EPERM to `wanted`: attributes that are locked, as those of mounts of another user
   * namespace are, and that no option names stay.
   */
  readonly locked: AttributeChange
}

const UNLOCKED = MOUNT_ATTR_NOSYMFOLLOW
const DEFAULTS = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | UNLOCKED

/**
 * The attributes of a bind: those of its source when its options name none, else exactly what they name, as
 * `mount -o remount,bind` has it; only the access times stay unless an option is about them.
 *
 * @returns undefined when nothing is to be changed.
 */
export function bindAttributes(options: ParsedMountOptions): BindAttributes | undefined {
  const { attributesSet: set, attributesClear: clear } = options
  if (set === 0 && clear === 0 && options.superblock.length === 0) return undefined
  return {
    wanted: { set, clear: clear | (DEFAULTS & ~set) },
    locked: { set, clear: clear | (UNLOCKED & ~set) },
  }
}
