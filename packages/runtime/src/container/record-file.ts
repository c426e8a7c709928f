import { closeSync, constants, fstatSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/*
 * A state of a container is a line of JSON, and the last whole line is what it is now. To add a line costs a tenth of
 * what it costs to write a file and put it in the place of another one, which makes most file systems write at once.
 */

/** From here on the file is made anew, with the newest state alone. */
const mostBytes = 65_536

/** Writes a file with one state; whoever reads sees the file before or this one. */
export function writeState(file: string, state: unknown): void {
  const temporary = `${file}.${process.pid}`
  try {
    writeFileSync(temporary, `${JSON.stringify(state)}\n`, { mode: 0o600 })
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Adds a state to a file that is there. Returns false where there is none, or it has grown too long. */
export function addState(file: string, state: unknown): boolean {
  let fd: number
  try {
    fd = openSync(file, constants.O_WRONLY | constants.O_APPEND)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  try {
    if (fstatSync(fd).size > mostBytes) return false
    // a line that was cut off, as on a full disk, must not be continued
    writeFileSync(fd, `\n${JSON.stringify(state)}\n`)
    return true
  } finally {
    closeSync(fd)
  }
}

/**
 * The newest state in a file's text.
 *
 * @throws `SyntaxError`: there is none.
 */
export function newestState(text: string): unknown {
  const lines = text.split('\n').filter((line) => line !== '')
  for (const line of lines.slice(1).reverse()) {
    try {
      return JSON.parse(line) as unknown
    } catch {
      // cut off: the one before is whole
    }
  }
  return JSON.parse(lines[0] ?? '') as unknown
}

/** Has a file on disk. Does nothing where it is gone. */
export async function syncState(file: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file)
    await handle.datasync()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    await handle?.close()
  }
}
