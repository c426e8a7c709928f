import { readdirSync, renameSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatState, type ContainerState } from './container-state.js'
import type { FolderLock } from './folder-lock.js'

/** Name of a container's record. */
export const STATE_FILE = 'state.json'
/** Name of the copy of its config. */
export const CONFIG_FILE = 'config.json'

/** A container that no other command changes meanwhile. Disposing of it unlocks it, and does nothing else. */
export class LockedContainer implements Disposable {
  readonly id: string
  /** Its folder. */
  readonly folder: string
  readonly #lock: FolderLock

  constructor(id: string, lock: FolderLock) {
    this.id = id
    this.folder = lock.path
    this.#lock = lock
  }

  /** Writes its record; whoever reads sees the old or the new one, also when this process is killed. */
  save(state: ContainerState): void {
    this.#replace(STATE_FILE, formatState(state))
  }

  /** Writes its config, as JSON text: after an update, it is another one. */
  saveConfig(text: string): void {
    this.#replace(CONFIG_FILE, text)
  }

  /**
   * Removes its folder, and gives the id free. The record goes last: one that is half removed can be removed
   * again.
   */
  remove(): void {
    for (const name of readdirSync(this.folder)) {
      if (name !== STATE_FILE) remove(join(this.folder, name))
    }
    remove(join(this.folder, STATE_FILE))
    rmdirSync(this.folder)
  }

  /** Lets other commands go on. */
  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]()
  }

  /** The name of the temporary file is always the same: nobody else writes, and nothing piles up. */
  #replace(name: string, text: string): void {
    const temporary = join(this.folder, `.${name}`)
    writeFileSync(temporary, text, { mode: 0o600 })
    renameSync(temporary, join(this.folder, name))
  }
}

/** Removes whatever is there: files at once, which is all that we make. */
function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    rmSync(path, { recursive: true, force: true })
  }
}
