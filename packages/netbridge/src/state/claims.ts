import { readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, listFolder, removeFile, stateError } from './files.js'

/**
 * Who has what, as symbolic links whose target is the owner. Making one is a single system call that tells
 * everybody else `EEXIST`, its content is never half written, and it outlives the process: so no name is
 * ever claimed twice, by whatever number of processes, and a crash leaves nothing in between.
 */
export class Claims {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns False when somebody has it already, be it the same owner. */
  claim(name: string, owner: string): boolean {
    try {
      symlinkSync(owner, join(this.#folder, name))
      return true
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false
      throw stateError(`claim ${name} in ${this.#folder}`, error)
    }
  }

  /** Who has it; undefined when nobody has. */
  owner(name: string): string | undefined {
    try {
      return readlinkSync(join(this.#folder, name))
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'EINVAL', 'ENOTDIR')) return undefined
      throw stateError(`read ${name} in ${this.#folder}`, error)
    }
  }

  /** Gives it back, if this owner has it. */
  release(name: string, owner: string): void {
    if (this.owner(name) === owner) removeFile(join(this.#folder, name))
  }

  /** Names of everything that is claimed. */
  names(): string[] {
    return listFolder(this.#folder)
  }
}
