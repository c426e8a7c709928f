import { closeSync, ftruncateSync, writeSync } from 'node:fs'
import { InPlace, O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, type Program, type Ref } from '@ctr/linux'
import type { ArchiveEntry } from '../archive/archive-entry.js'
import type { ContentSink } from '../archive/entry-content.js'
import { kernelString, type ByteString } from '../files/byte-string.js'
import type { MetadataWriter } from './file-metadata.js'
import type { FolderOf, Step } from './step.js'

/** What a new file is opened with. */
export const newFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC

/** Where a file goes, and how one is made where something else is in the way. */
export interface FilePlace {
  readonly parent: ByteString
  readonly name: ByteString
  /** Makes it by single calls. */
  readonly make: () => number
}

/** A file of which fewer bytes have come waits for the rest: small ones are one step each. */
const enough = 128 * 1024

interface Piece {
  readonly at: number
  readonly bytes: Uint8Array
}

/** What is common to all files of one layer. */
export interface FileParts {
  readonly metadata: MetadataWriter
  /** Descriptors of files that are not whole yet; whoever gives up closes them. */
  readonly open: Set<number>
  /** Puts a step behind those that are to be done before. */
  readonly add: (step: Step) => void
}

/** One file on its way into the layer. Its content may come in many pieces; holes stay holes. */
export class FileWriter implements ContentSink {
  readonly #entry: ArchiveEntry
  readonly #place: FilePlace
  readonly #parts: FileParts
  /** What has come since a step took the rest. */
  #pieces: Piece[] = []
  #heldBytes = 0
  #isQueued = false
  /** The step that opens the file, while it is under way. */
  #opener: unknown
  #position = 0
  #endsInHole = false
  #isWhole = false
  #fd: number | undefined

  constructor(entry: ArchiveEntry, place: FilePlace, parts: FileParts) {
    this.#entry = entry
    this.#place = place
    this.#parts = parts
  }

  write(bytes: Uint8Array): void {
    const isLast = this.#position + bytes.length === this.#entry.size
    this.#heldBytes += bytes.length
    const mustWait = !isLast && this.#heldBytes < enough
    // what waits is not ours for so long
    this.#pieces.push({ at: this.#position, bytes: mustWait ? Buffer.from(bytes) : bytes })
    this.#position += bytes.length
    this.#endsInHole = false
    if (!mustWait) this.#queue()
  }

  skip(bytes: number): void {
    this.#position += bytes
    this.#endsInHole = true
  }

  end(): void {
    this.#isWhole = true
    this.#queue()
  }

  abort(): void {
    // its descriptor is among the open ones, which are closed once no step is under way
  }

  /** One step takes all that has come until it is its turn. */
  #queue(): void {
    if (this.#isQueued) return
    this.#isQueued = true
    const { path } = this.#entry
    let taken: { readonly pieces: readonly Piece[]; readonly isLast: boolean } | undefined
    const take = (): NonNullable<typeof taken> => {
      if (taken !== undefined) return taken
      taken = { pieces: this.#pieces, isLast: this.#isWhole }
      this.#pieces = []
      this.#heldBytes = 0
      this.#isQueued = false
      return taken
    }
    let opened: Ref | undefined
    const plan = (program: Program, folderOf: FolderOf): void => {
      opened = this.#fd === undefined ? this.#planOpen(program, folderOf) : undefined
      if (opened !== undefined) this.#opener = take
      this.#plan(program, opened ?? this.#fd!, take().pieces, take().isLast)
    }
    this.#parts.add({
      path,
      plan: this.#parts.metadata.isForeign(this.#entry) ? undefined : plan,
      mustWait: () => this.#opener !== undefined && this.#opener !== take,
      done: (results) => {
        this.#opener = undefined
        if (take().isLast) this.#closed()
        else if (opened !== undefined) this.#opened(results.get(opened))
      },
      now: (planned) => {
        this.#opener = undefined
        if (planned !== undefined && opened !== undefined && opened.entry < planned.reached)
          this.#opened(planned.results.get(opened))
        this.#now(take().pieces, take().isLast)
      },
    })
  }

  #planOpen(program: Program, folderOf: FolderOf): Ref {
    const { parent, name } = this.#place
    const mode = this.#parts.metadata.firstMode(this.#entry)
    return program.call('openat', [folderOf(parent), kernelString(name), newFile, mode])
  }

  #plan(program: Program, fd: number | Ref, pieces: readonly Piece[], isLast: boolean): void {
    for (const { at, bytes } of pieces) {
      const content = bytes.length < InPlace.least ? bytes : new InPlace(bytes)
      program.call('pwrite64', [fd, content, bytes.length, at], { minimum: bytes.length })
    }
    if (!isLast) return
    if (this.#endsInHole) program.call('ftruncate', [fd, this.#position])
    this.#parts.metadata.planFd(program, fd, this.#entry)
    program.call('close', [fd], { minimum: 'any' })
  }

  #now(pieces: readonly Piece[], isLast: boolean): void {
    const fd = this.#fd ?? this.#opened(this.#place.make())
    for (const { at, bytes } of pieces) {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(fd, bytes, done, bytes.length - done, at + done)
      }
    }
    if (!isLast) return
    if (this.#endsInHole) ftruncateSync(fd, this.#position)
    this.#parts.metadata.toFd(fd, this.#entry, this.#entry.path)
    this.#closed()
    closeSync(fd)
  }

  #opened(fd: number): number {
    this.#fd = fd
    this.#parts.open.add(fd)
    return fd
  }

  #closed(): void {
    if (this.#fd !== undefined) this.#parts.open.delete(this.#fd)
    this.#fd = undefined
  }
}
