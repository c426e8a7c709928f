import { closeSync, fstatSync } from 'node:fs'
import { makedev, S_IFBLK, S_IFCHR, S_IFIFO, syscall, syscallOr } from '@ctr/linux'
import type { ArchiveEntry } from '../archive/archive-entry.js'
import { refused, splitEntryName } from '../archive/entry-name.js'
import type { LayerLimits } from '../archive/limits.js'
import type { nameMeaning } from '../archive/whiteout.js'
import { errnoOf, OverlayError } from '../errors.js'
import { asRoot, type StoreUserNamespace } from '../ids/user-namespace.js'
import { kernelString, readable, type ByteString } from '../files/byte-string.js'
import { openName } from '../files/open-in.js'
import { removeNameSync } from '../files/remove-tree.js'
import type { MetadataWriter } from './file-metadata.js'
import type { ParentFolders } from './parent-folders.js'
import { hideLower, isWhiteout, type NoteScope } from './whiteouts.js'
import { otherKind, refuseFolder, type WriterRules } from './writer-rules.js'

/** What is common to all entries of one layer. */
export interface EntryParts {
  readonly rules: WriterRules
  readonly limits: LayerLimits
  /** Where the owners of its files are, for a caller without privileges. */
  readonly namespace: StoreUserNamespace | undefined
  readonly scope: NoteScope
  readonly meaning: typeof nameMeaning
  readonly metadata: MetadataWriter
  readonly parents: ParentFolders
}

/** Makes entries by single calls, in the place of whatever is there already. */
export class EntryMaker {
  readonly #parts: EntryParts

  constructor(parts: EntryParts) {
    this.#parts = parts
  }

  /** Makes a call that creates `name`; what is there already makes room first. */
  fresh(folder: number, name: ByteString, ...call: Parameters<typeof syscall>): number {
    const made = syscallOr(['EEXIST'], ...call)
    if (made !== 'EEXIST') return made
    if (this.#parts.rules.keepsKinds) refuseFolder(folder, name)
    this.#parts.parents.forgetLater()
    removeNameSync(folder, name)
    return syscall(...call)
  }

  /** Makes a folder; one that is there stays, with what is in it. */
  folder(folder: number, name: ByteString): void {
    if (syscallOr(['EEXIST'], 'mkdirat', folder, kernelString(name), 0o700) !== 'EEXIST') return
    const fd = openName(folder, name)
    const stat = fstatSync(fd)
    closeSync(fd)
    if (stat.isDirectory()) return
    if (this.#parts.rules.keepsKinds) throw otherKind(`non-directory ${readable(name)}`, 'directory')
    this.fresh(folder, name, 'mkdirat', folder, kernelString(name), 0o700)
    if (!isWhiteout(stat) || this.#parts.rules.whiteouts === 'plain') return
    const fresh = openName(folder, name)
    try {
      hideLower(fresh, this.#parts.scope)
    } finally {
      closeSync(fresh)
    }
  }

  /** Links to a file that came before. */
  hardLink(folder: number, name: ByteString, entry: ArchiveEntry): void {
    this.checkTarget(entry)
    const target = splitEntryName(entry.target, this.#parts.limits)
    if (target.name === '' || this.#parts.meaning(target).kind !== 'plain')
      throw refused(entry.path, 'it is a link to no file')
    const from = this.#parts.parents.find(target.parent)
    if (from === undefined)
      throw refused(entry.path, `it is a link to ${readable(entry.target)}, which is not there`)
    if (from === folder && target.name === name) throw refused(entry.path, 'it is a link to itself')
    try {
      this.#link(from, target.name, folder, name)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT')
        throw refused(entry.path, `it is a link to ${readable(entry.target)}, which is not there`)
      if (errno === 'EPERM')
        throw refused(entry.path, `it is a hard link to ${readable(entry.target)}, a folder`)
      throw error
    }
  }

  #link(from: number, target: ByteString, folder: number, name: ByteString): void {
    const call = [from, kernelString(target), folder, kernelString(name), 0] as const
    try {
      this.fresh(folder, name, 'linkat', ...call)
    } catch (error) {
      if (errnoOf(error) !== 'EPERM' || this.#parts.namespace === undefined) throw error
      // a file that belongs to somebody else already (protected_hardlinks of proc_sys_fs(5)), or a folder
      asRoot(this.#parts.namespace, (program) => program.call('linkat', call))
    }
  }

  /** Makes a device or a fifo. */
  node(folder: number, name: ByteString, entry: ArchiveEntry): void {
    const type = { 'character-device': S_IFCHR, 'block-device': S_IFBLK }[entry.kind as string] ?? S_IFIFO
    if (type === S_IFCHR && entry.major === 0 && entry.minor === 0) {
      throw refused(entry.path, 'a character device 0/0 would hide files of lower layers')
    }
    if (type !== S_IFIFO && this.#parts.namespace !== undefined) {
      removeNameSync(folder, name) // nobody but root of the host can make a device: it is left out
      return
    }
    const device = type === S_IFIFO ? 0 : makedev(entry.major, entry.minor)
    this.fresh(folder, name, 'mknodat', folder, kernelString(name), type + 0o600, device)
    this.#parts.metadata.toName(folder, name, entry, entry.path, { isLink: false })
  }

  /** @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE`, `ERR_OVERLAY_LIMIT`: nothing can be linked to that. */
  checkTarget({ path, target }: ArchiveEntry): void {
    if (target === '' || target.includes('\0')) throw refused(path, 'it is a link to nothing')
    if (target.length <= this.#parts.limits.pathBytes) return
    throw new OverlayError('ERR_OVERLAY_LIMIT', `cannot unpack ${readable(path)}: its target is too long`, {
      path: readable(path),
    })
  }
}
