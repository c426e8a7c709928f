import { dirname, join } from 'node:path'
import { readInterfaceFile, writeInterfaceFile } from '../kernel/interface-file.js'

/**
 * Fills a new v1 cpuset. It begins without processors and memory nodes, and the kernel lets no process into
 * such a group (`ENOSPC`), so both are taken over from the parent, whose own are filled first where they are
 * empty.
 *
 * @param group - The group. One that was there keeps what it has.
 */
export function inheritCpuset({ folder, mountpoint, given, isNew }: CpusetToFill): void {
  const parent = dirname(folder)
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    // the parent's is filled in any case: without it, no value of the group's own is taken
    const value = effective(parent, file, mountpoint)
    if (given.includes(file)) continue
    const path = join(folder, file)
    if (isNew || readInterfaceFile(path).trim() === '') writeInterfaceFile(path, value)
  }
}

/** A group whose cpuset is filled. */
interface CpusetToFill {
  readonly folder: string
  /** Top of the hierarchy, which always has all processors. */
  readonly mountpoint: string
  /** Files of these that are written later and left out here. */
  readonly given: readonly string[]
  /** The folder was just made. */
  readonly isNew: boolean
}

function effective(folder: string, file: string, mountpoint: string): string {
  const path = join(folder, file)
  const own = readInterfaceFile(path).trim()
  if (own !== '' || folder === mountpoint) return own
  const inherited = effective(dirname(folder), file, mountpoint)
  writeInterfaceFile(path, inherited)
  return inherited
}
