import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '../errors.js'

/**
 * Makes a folder, mode 0700, and the ones above it that are missing. Node's own `recursive` never returns
 * where mkdir(2) answers ENOENT below a folder that is there, as in /proc.
 */
export function makeFolders(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return
    if (errno !== 'ENOENT' || dirname(path) === path) throw error
    makeFolders(dirname(path))
    try {
      mkdirSync(path, { mode: 0o700 })
    } catch (again) {
      if (errnoOf(again) !== 'EEXIST') throw again // somebody else has made it meanwhile
    }
  }
}
