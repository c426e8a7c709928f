import { readdirSync } from 'node:fs'
import { errnoOf, pathError } from './errno.js'

/** Names of the folders in a folder; none when it is gone. */
export function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw pathError('list', folder, error)
  }
}
