import { join } from 'node:path'
import { isCgroupError } from '../errors.js'
import { subfolders } from '../kernel/subfolders.js'
import { IN_CREATE, IN_DELETE, IN_MODIFY, watchFolder, type FolderWatch } from './inotify.js'

/**
 * Sees writes to files of the groups below a v1 group, also of groups that are made meanwhile: a process that joins one
 * of them writes nothing in the group above.
 */
export class GroupsBelow {
  readonly #files: readonly string[]
  readonly #changed: () => void
  readonly #watches = new Map<string, FolderWatch>()

  /**
   * @param folder - The group's own.
   * @param files - Names of the files.
   * @param changed - A file was written to, or a group was made.
   */
  constructor(folder: string, files: readonly string[], changed: () => void) {
    this.#files = files
    this.#changed = changed
    this.#watch(folder)
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close()
    this.#watches.clear()
  }

  #watch(folder: string): void {
    if (this.#watches.has(folder)) return
    try {
      const told = (name: string | undefined): void => this.#look(folder, name)
      this.#watches.set(folder, watchFolder(folder, IN_MODIFY + IN_CREATE + IN_DELETE, told))
    } catch (error) {
      if (isCgroupError(error) && error.code === 'ERR_CGROUP_NOT_FOUND') return // gone again
      throw error
    }
    // after the watch: what is made in between is seen by one of both
    for (const name of subfolders(folder)) this.#watch(join(folder, name))
  }

  #look(folder: string, name: string | undefined): void {
    if (name !== undefined && this.#files.includes(name)) {
      this.#changed()
      return
    }
    // a group has come or gone, or both: one of the same name is another one, and so are those below it
    const at = name === undefined ? folder : join(folder, name)
    const known = [...this.#watches.keys()].filter(
      (path) => path.startsWith(`${at}/`) || (path === at && name !== undefined),
    )
    const there = subfolders(folder).filter((each) => name === undefined || each === name)
    if (known.length === 0 && there.length === 0) return // a file of no interest was written to
    for (const path of known) {
      this.#watches.get(path)?.close()
      this.#watches.delete(path)
    }
    for (const each of there) this.#watch(join(folder, each))
    this.#changed()
  }
}
