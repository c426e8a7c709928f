import { execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './temporary-folder.js'

/** How a file system is made that has project quotas. */
const makers = {
  ext4: ['mkfs.ext4', '-q', '-O', 'quota,project', '-E', 'quotatype=prjquota'],
  xfs: ['mkfs.xfs', '-q'],
} as const

/** A file system of its own, in a file, that goes at the end of a block. */
export interface QuotaDisk extends Disposable {
  /** Its root folder. */
  readonly path: string
}

/**
 * Makes a disk, and mounts it.
 *
 * @param options - Of mount(8). Default: those by which project quotas bind.
 */
export function quotaDisk(type: keyof typeof makers, options = 'prjquota'): QuotaDisk {
  const folder = temporaryFolder()
  const file = join(folder.path, 'disk')
  const path = join(folder.path, 'mounted')
  const [program, ...args] = makers[type]
  try {
    writeFileSync(file, '')
    truncateSync(file, 400 * 2 ** 20)
    execFileSync(program, [...args, file])
    mkdirSync(path)
    execFileSync('mount', ['-t', type, '-o', `loop,${options}`, file, path])
  } catch (error) {
    folder[Symbol.dispose]()
    throw error
  }
  return {
    path,
    [Symbol.dispose]: () => {
      execFileSync('umount', [path])
      folder[Symbol.dispose]()
    },
  }
}
