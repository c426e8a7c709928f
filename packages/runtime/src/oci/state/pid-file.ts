import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a process id into a file, without a newline. Whoever waits for the file finds it whole; what was there is
 * replaced, a symbolic link is not followed.
 *
 * @param path - Beside it `.NAME` is used meanwhile.
 */
export function writePidFile(path: string, pid: number): void {
  const temporary = join(dirname(path), `.${basename(path)}`)
  rmSync(temporary, { force: true }) // of somebody who was killed, or a trap
  const fd = openSync(temporary, 'wx', 0o666)
  try {
    writeSync(fd, String(pid))
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, path)
}
