import { unlinkSync } from 'node:fs'

/** Removes a file, by one system call. Does nothing where there is none. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
