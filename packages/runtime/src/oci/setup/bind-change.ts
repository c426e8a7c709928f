import { dirname } from 'node:path'
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  isSyscallError,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  mountAttributes,
  out,
  syscall,
} from '@ctr/linux'
import { RuntimeError } from '../../errors.js'
import { bindAttributes } from '../config/bind-attributes.js'
import { ALL_ACCESS_TIMES } from '../config/access-time.js'
import type { ParsedMountOptions } from '../config/mount-options.js'
import type { Call } from './call.js'

/** A bind whose attributes are to be changed. */
export interface ChangedBind {
  /** The detached mount. */
  readonly fd: number
  /** Path on the host. */
  readonly source: string
  readonly destination: string
  readonly options: ParsedMountOptions
  /**
   * The container has a user namespace: attributes that its source has must stay, as the kernel would have it if the
   * container had made the bind itself (mount_namespaces(7)).
   */
  readonly locked: boolean
}

/**
 * Sets the attributes of a bind.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: an option clears what is locked.
 */
export function changeBind(call: Call, bind: ChangedBind): void {
  const { fd, options, locked } = bind
  const change = bindAttributes(options)
  if (change !== undefined) {
    try {
      if (locked) checkLocks(bind)
      const { set, clear } = locked ? withoutLocks(bind) : change.wanted
      call('mount_setattr', fd, '', AT_EMPTY_PATH, mountAttributes({ set, clear }), 32)
    } catch (error) {
      if (locked || !isSyscallError(error) || error.code !== 'EPERM') throw error
      // of another user namespace than ours
      checkLocks(bind)
      call('mount_setattr', fd, '', AT_EMPTY_PATH, mountAttributes(withoutLocks(bind)), 32)
    }
  }
  const { recursiveSet: set, recursiveClear: clear } = options
  if (set === 0 && clear === 0) return
  call('mount_setattr', fd, '', AT_EMPTY_PATH + AT_RECURSIVE, mountAttributes({ set, clear }), 32)
}

/** Attributes that no option names stay; access times have been found to be the same. */
function withoutLocks({ options }: ChangedBind): { readonly set: number; readonly clear: number } {
  const { set, clear } = bindAttributes(options)!.locked
  return { set: set & ~TIMES, clear: clear & ~TIMES & ~LOCKED }
}

function checkLocks({ source, destination, options }: ChangedBind): void {
  const now = attributesOf(options.sourceNoFollow ? dirname(source) : source)
  const cleared = options.attributesClear & now & LOCKED
  const asksForTimes = (options.attributesClear & ALL_ACCESS_TIMES) !== 0
  const otherTimes = asksForTimes && (options.attributesSet & TIMES) !== (now & TIMES)
  if (cleared === 0 && !otherTimes) return
  const what = cleared === 0 ? 'its access times' : names(cleared)
  throw new RuntimeError(
    'ERR_RUNTIME_START',
    `unable to start container process: error during container init: error mounting ${JSON.stringify(source)} at ${JSON.stringify(destination)}: a container with a user namespace cannot clear ${what} of a mount of the host: operation not permitted`,
  )
}

const LOCKED = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC
const TIMES = ALL_ACCESS_TIMES | MOUNT_ATTR_NODIRATIME

const lockedNames = [
  [MOUNT_ATTR_RDONLY, 'ro'],
  [MOUNT_ATTR_NOSUID, 'nosuid'],
  [MOUNT_ATTR_NODEV, 'nodev'],
  [MOUNT_ATTR_NOEXEC, 'noexec'],
] as const

function names(attributes: number): string {
  return lockedNames.flatMap(([bit, name]) => ((attributes & bit) === 0 ? [] : [name])).join(', ')
}

/** `MOUNT_ATTR_*` of the mount that a path of the host is in, from the `ST_*` of statfs(2), whose first four are the same. */
function attributesOf(path: string): number {
  const bytes = Buffer.alloc(120)
  syscall('statfs', path, out(bytes))
  const flags = Number(bytes.readBigUInt64LE(80))
  const time =
    (flags & ST_NOATIME) !== 0 ? MOUNT_ATTR_NOATIME : (flags & ST_RELATIME) !== 0 ? 0 : MOUNT_ATTR_STRICTATIME
  return (flags & LOCKED) | time | ((flags & ST_NODIRATIME) === 0 ? 0 : MOUNT_ATTR_NODIRATIME)
}

const ST_NOATIME = 0x400
const ST_NODIRATIME = 0x800
const ST_RELATIME = 0x1000
