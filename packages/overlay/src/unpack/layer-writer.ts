import { closeSync } from 'node:fs'
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '@ctr/linux'
import type { ArchiveEntry, Metadata } from '../archive/archive-entry.js'
import type { ContentSink } from '../archive/entry-content.js'
import { refused, splitEntryName, type EntryPlace } from '../archive/entry-name.js'
import type { LayerLimits } from '../archive/limits.js'
import { nameMeaning } from '../archive/whiteout.js'
import { errnoOf, OverlayError, systemError } from '../errors.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { kernelString, readable, type ByteString } from '../files/byte-string.js'
import { openIn } from '../files/open-in.js'
import { umask } from '../files/umask.js'
import { EntryMaker } from './entry-maker.js'
import { MetadataWriter } from './file-metadata.js'
import { FileWriter, newFile, type FileParts } from './file-step.js'
import { ForeignMetadata } from './foreign-metadata.js'
import { ImpliedFolders } from './implied-folders.js'
import { LayerWhiteouts } from './layer-whiteouts.js'
import { ParentFolders } from './parent-folders.js'
import { StepQueue } from './step-queue.js'
import { isOpaque, type NoteScope } from './whiteouts.js'
import type { WriterRules } from './writer-rules.js'

/** Writes the entries of an archive below a root: of a layer, as overlayfs wants to find them. */
export class LayerWriter {
  readonly #root: number
  readonly #limits: LayerLimits
  readonly #scope: NoteScope
  readonly #whiteouts: LayerWhiteouts
  readonly #meaning: typeof nameMeaning
  readonly #maker: EntryMaker
  readonly #foreign: ForeignMetadata | undefined
  readonly #parents: ParentFolders
  readonly #metadata: MetadataWriter
  /** Folders get their metadata last: what is put into them changes their time, and their mode may forbid it. */
  readonly #folders = new Map<ByteString, Metadata>()
  readonly #implied: ImpliedFolders | undefined
  readonly #queue: StepQueue
  readonly #files: FileParts
  #entries = 0
  #bytes = 0

  /**
   * @param root - Descriptor of the folder that names lead from; stays the caller's.
   * @param namespace - Where the owners of its files are, for a caller without privileges.
   */
  constructor(
    root: number,
    limits: LayerLimits,
    namespace: StoreUserNamespace | undefined,
    rules: WriterRules,
  ) {
    this.#meaning = rules.whiteouts === 'overlay' ? nameMeaning : () => ({ kind: 'plain' })
    this.#root = root
    this.#limits = limits
    this.#scope = namespace === undefined ? 'trusted' : 'user'
    this.#whiteouts = new LayerWhiteouts(this.#scope)
    this.#foreign = namespace === undefined ? undefined : new ForeignMetadata(namespace)
    const isRoot = namespace !== undefined || (process.geteuid?.() === 0 && process.getegid?.() === 0)
    this.#metadata = new MetadataWriter(
      rules.isOwn && isRoot,
      this.#foreign,
      rules.isOwn ? umask() : undefined,
    )
    const implied = { uid: 0, gid: 0, mode: 0o755, mtimeNs: rules.impliedMtimeNs, attributes: [] }
    if (rules.isOwn) this.#folders.set('', implied)
    const made = (path: ByteString): void => {
      this.#count(path)
      this.#folders.set(path, implied)
    }
    this.#parents = new ParentFolders(root, made, rules.whiteouts === 'overlay' ? this.#scope : undefined)
    this.#maker = new EntryMaker({
      rules,
      limits,
      namespace,
      scope: this.#scope,
      meaning: this.#meaning,
      metadata: this.#metadata,
      parents: this.#parents,
    })
    const queue = new StepQueue(root)
    this.#queue = queue
    // elsewhere somebody else may be at the folders
    this.#implied = rules.isOwn
      ? new ImpliedFolders(this.#parents, (step) => queue.add(step), made)
      : undefined
    this.#files = { metadata: this.#metadata, open: new Set(), add: (step) => queue.add(step) }
  }

  /** Entries so far, implied folders included. */
  get entries(): number {
    return this.#entries
  }

  /** Takes one entry, to be written by the next {@link flush}, and says where its content goes. */
  write(entry: ArchiveEntry): ContentSink | undefined {
    try {
      return this.#write(entry)
    } catch (error) {
      throw systemError('unpack', readable(entry.path), error)
    }
  }

  /**
   * Begins to write what came so far, on a thread of the pool, once what came before is written. Until this resolves the
   * content that was handed over must stay as it is, and until the next call too.
   */
  async flush(): Promise<void> {
    await this.#queue.flush()
  }

  /** Writes the rest, and gives the folders their metadata. Says whether the layer's root hides all lower layers. */
  async finish(): Promise<{ readonly opaqueRoot: boolean }> {
    await this.#queue.drain()
    this.#parents.forget()
    this.#whiteouts.settle(this.#root)
    for (const [path, metadata] of [...this.#folders].reverse()) {
      try {
        this.#finishFolder(path, metadata)
      } catch (error) {
        throw systemError('unpack', readable(path), error)
      }
    }
    const opaqueRoot = isOpaque(this.#root, this.#scope)
    this.#foreign?.flush()
    return { opaqueRoot }
  }

  /** Closes what is open, once nothing is written any more. Idempotent. */
  async close(): Promise<void> {
    await this.#queue.close()
    for (const fd of this.#files.open) closeSync(fd)
    this.#files.open.clear()
    this.#parents.forget()
    this.#foreign?.close()
  }

  #finishFolder(path: ByteString, metadata: Metadata): void {
    let fd: number
    try {
      fd = openIn(this.#root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch (error) {
      const errno = errnoOf(error)
      // a later entry has put something else there
      if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') return
      throw error
    }
    try {
      this.#metadata.toFd(fd, metadata, path)
    } finally {
      closeSync(fd)
    }
  }

  #count(path: ByteString): void {
    this.#entries += 1
    if (this.#entries <= this.#limits.entries) return
    throw new OverlayError(
      'ERR_OVERLAY_LIMIT',
      `cannot unpack ${readable(path)}: the layer has more than ${this.#limits.entries} entries`,
      { path: readable(path) },
    )
  }

  /** Holes of sparse files are not in the archive, but whoever reads the layer reads them. */
  #countBytes({ path, size }: ArchiveEntry): void {
    this.#bytes += size
    if (this.#bytes <= this.#limits.bytes) return
    throw new OverlayError(
      'ERR_OVERLAY_LIMIT',
      `cannot unpack ${readable(path)}: the files of the layer have more than ${this.#limits.bytes} bytes`,
      { path: readable(path) },
    )
  }

  #write(entry: ArchiveEntry): ContentSink | undefined {
    this.#count(entry.path)
    this.#countBytes(entry)
    const place = splitEntryName(entry.path, this.#limits)
    const meaning = this.#meaning(place)
    if (meaning.kind === 'ignored') return undefined
    if (place.name === '') {
      if (entry.kind !== 'directory') throw refused(entry.path, 'the root of a layer must be a folder')
      this.#folders.set('', entry)
      return undefined
    }
    this.#implied?.need(place.parent)
    const later = (work: (folder: number) => void): undefined => {
      this.#queue.add({ path: entry.path, now: () => work(this.#parents.get(place.parent)) })
    }
    if (meaning.kind !== 'plain') {
      later((folder) => this.#whiteouts.put(folder, place.parent, meaning))
      return
    }
    switch (entry.kind) {
      case 'file':
        return this.#file(place, entry)
      case 'directory':
        this.#folder(place, entry)
        return undefined
      case 'symlink':
        this.#symlink(place, entry)
        return undefined
      case 'hardlink': {
        later((folder) => this.#maker.hardLink(folder, place.name, entry))
        return
      }
      default: {
        later((folder) => this.#maker.node(folder, place.name, entry))
        return
      }
    }
  }

  #file(place: EntryPlace, entry: ArchiveEntry): ContentSink {
    const { parent, name } = place
    const mode = this.#metadata.firstMode(entry)
    const make = (): number => {
      const folder = this.#parents.get(parent)
      return this.#maker.fresh(folder, name, 'openat', folder, kernelString(name), newFile, mode)
    }
    return new FileWriter(entry, { parent, name, make }, this.#files)
  }

  #folder({ parent, name }: EntryPlace, entry: ArchiveEntry): void {
    const path = parent === '' ? name : `${parent}/${name}`
    this.#implied?.told(path)
    const done = (): void => {
      this.#folders.set(path, entry)
    }
    this.#queue.add({
      path: entry.path,
      plan: (program, folderOf) => program.call('mkdirat', [folderOf(parent), kernelString(name), 0o700]),
      done,
      now: () => {
        this.#maker.folder(this.#parents.get(parent), name)
        done()
      },
    })
  }

  #symlink({ parent, name }: EntryPlace, entry: ArchiveEntry): void {
    this.#maker.checkTarget(entry)
    const target = kernelString(entry.target)
    const isPlain = entry.attributes.length === 0 && !this.#metadata.isForeign(entry)
    this.#queue.add({
      path: entry.path,
      plan: isPlain
        ? (program, folderOf) => {
            const folder = folderOf(parent)
            program.call('symlinkat', [target, folder, kernelString(name)])
            this.#metadata.planLink(program, folder, name, entry)
          }
        : undefined,
      now: () => {
        const folder = this.#parents.get(parent)
        this.#maker.fresh(folder, name, 'symlinkat', target, folder, kernelString(name))
        this.#metadata.toName(folder, name, entry, entry.path, { isLink: true })
      },
    })
  }
}
