import { kernelString, type ByteString } from '../files/byte-string.js'
import type { ParentFolders } from './parent-folders.js'
import type { Step } from './step.js'

/**
 * Folders that an archive has no entries for, only names of files in them. Each is made by a step before that of the
 * first file, so that this need not fail first.
 */
export class ImpliedFolders {
  readonly #parents: ParentFolders
  readonly #add: (step: Step) => void
  readonly #made: (path: ByteString) => void
  /** What should be there by now. Something else may be there since, which the step that meets it finds out. */
  readonly #known = new Set<ByteString>([''])

  /** @param made - Told of every folder that was made. */
  constructor(parents: ParentFolders, add: (step: Step) => void, made: (path: ByteString) => void) {
    this.#parents = parents
    this.#add = add
    this.#made = made
  }

  /** The archive has the folder itself. */
  told(path: ByteString): void {
    this.#known.add(path)
  }

  /** Has a folder made that is to be there next, and those above it. */
  need(path: ByteString): void {
    if (this.#known.has(path)) return
    const slash = path.lastIndexOf('/')
    const parent = path.slice(0, Math.max(slash, 0))
    this.need(parent)
    this.#known.add(path)
    this.#add({
      path,
      plan: (program, folderOf) =>
        program.call('mkdirat', [folderOf(parent), kernelString(path.slice(slash + 1)), 0o755]),
      done: () => this.#made(path),
      now: () => this.#parents.get(path),
    })
  }
}
