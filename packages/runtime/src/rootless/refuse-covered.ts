import { readFileSync } from 'node:fs'
import { RuntimeError } from '../errors.js'

/**
 * Refuses folders with something mounted below them as the lower side of an overlay in a user namespace: the kernel
 * keeps what a mount covers from being uncovered there, and says no more than `EINVAL`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function refuseCovered(folders: readonly string[], mountinfo = readMountinfo()): void {
  const points = mountinfo.split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''))
  for (const folder of folders) {
    const prefix = folder.endsWith('/') ? folder : `${folder}/`
    const below = points.find((point) => point.startsWith(prefix) && point !== folder)
    if (below === undefined) continue
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot use ${folder} copy-on-write without root: the kernel does not allow it, as ${below} is mounted below it; use an image, or a folder with nothing mounted below it`,
    )
  }
}

function readMountinfo(): string {
  return readFileSync('/proc/self/mountinfo', 'utf8')
}

/** Blanks and the like are `\\040` there (proc_pid_mountinfo(5)). */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}
