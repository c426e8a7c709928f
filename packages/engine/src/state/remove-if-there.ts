import { existsSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Removes a file. Cheaper than `rmSync` with `force`, most of all where there is none. */
export function removeFileIfThere(path: string): void {
  if (!existsSync(path)) return
  ignoreGone(() => {
    unlinkSync(path)
  })
}

/** Removes a folder of files. */
export function removeFolderIfThere(path: string): void {
  if (!existsSync(path)) return
  ignoreGone(() => {
    for (const name of readdirSync(path)) unlinkSync(join(path, name))
    rmdirSync(path)
  })
}

function ignoreGone(remove: () => void): void {
  try {
    remove()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
