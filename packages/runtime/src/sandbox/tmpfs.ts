import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID } from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import { parseMountOptions } from '../oci/config/mount-options.js'
import type { FileSystemParameter } from '../setup/rootfs.js'

/** A new file system in memory. */
export interface Tmpfs {
  /** Absolute path in the container. */
  readonly target: string
  readonly parameters: readonly FileSystemParameter[]
  /** `MOUNT_ATTR_*`. */
  readonly attributes: number
}

const known = ['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks']
const restricted = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC

/**
 * Reads options of mount(8) for a tmpfs: `size=64m,mode=1770,exec`. Programs, devices and set-uid bits have no effect in
 * it unless `exec`, `dev`, `suid` say so.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function parseTmpfs(target: string, text: string): Tmpfs {
  if (!target.startsWith('/') || target.split('/').includes('..') || target.includes('\0'))
    throw invalid(target, 'the path in the container must be absolute, without ".."')
  if (target.split('/').every((part) => part === '' || part === '.'))
    throw invalid(target, 'the root is there already')
  const { attributesSet, attributesClear, data, bind, remount } = parseMountOptions(
    text.split(',').filter((word) => word !== ''),
  )
  const unknown = data.find(([key, value = '']) => !known.includes(key) || !/^[0-9]+[kmgKMG%]?$/.test(value))
  if (unknown !== undefined || bind !== false || remount)
    throw invalid(target, `${JSON.stringify(unknown?.join('=') ?? text)} is no option of it`)
  const given = data.map(([key, value = '']): FileSystemParameter => [key, value])
  const parameters = data.some(([key]) => key === 'mode') ? given : [['mode', '1777'] as const, ...given]
  return { target, parameters, attributes: (restricted & ~attributesClear) | attributesSet }
}

function invalid(target: string, why: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot mount a tmpfs at ${JSON.stringify(target)}: ${why}`,
  )
}
