import { dirname, join } from 'node:path'
import { readInterfaceFile, writeInterfaceFile } from '../kernel/interface-file.js'

/**
 * Fills a new v1 cpuset. It begins without processors and memory nodes, and the kernel lets no process into
 * such a group (`ENOSPC`), so both are taken over from the parent, whose own are filled first where they are
 * empty.
 *
 * @param folder - The group's folder.
 * @param mountpoint - Top of the hierarchy, which always has all processors.
 * @param given - Files of these that are written later and left out here.
 */
export function inheritCpuset(folder: string, mountpoint: string, given: readonly string[]): void {
  const parent = dirname(folder)
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const value = effective(parent, file, mountpoint)
    if (!given.includes(file)) writeInterfaceFile(join(folder, file), value)
  }
}

function effective(folder: string, file: string, mountpoint: string): string {
  const path = join(folder, file)
  const own = readInterfaceFile(path).trim()
  if (own !== '' || folder === mountpoint) return own
  const inherited = effective(dirname(folder), file, mountpoint)
  writeInterfaceFile(path, inherited)
  return inherited
}
