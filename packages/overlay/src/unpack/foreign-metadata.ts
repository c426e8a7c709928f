import { closeSync } from 'node:fs'
import { AT_EMPTY_PATH, isSyscallError, syscall, type Program, type Ref } from '@ctr/linux'
import type { Metadata } from '../archive/archive-entry.js'
import { OverlayError } from '../errors.js'
import { asRoot, type StoreUserNamespace } from '../ids/user-namespace.js'
import { kernelString, readable, type ByteString } from '../files/byte-string.js'
import { openName, pathOfFd } from '../files/open-in.js'
import { timesOf } from './times.js'

const F_DUPFD_CLOEXEC = 1030
/** Files that wait, each with a descriptor, until a child sets the metadata of all of them. */
const most = 64

interface Waiting {
  readonly fd: number
  readonly metadata: Metadata
  readonly path: ByteString
  readonly kind: 'file' | 'node' | 'link'
}

/**
 * Sets the metadata that an ordinary user cannot set: owners other than itself, capabilities of files, access
 * control lists, all of which mean ids of a user namespace. Many files at once, as root of that namespace.
 */
export class ForeignMetadata {
  readonly #namespace: StoreUserNamespace
  #waiting: Waiting[] = []

  constructor(namespace: StoreUserNamespace) {
    this.#namespace = namespace
  }

  /** True for metadata that needs this. */
  concerns({ uid, gid, attributes }: Metadata): boolean {
    const { singleId } = this.#namespace
    return (!singleId && (uid !== 0 || gid !== 0)) || attributes.some(({ name }) => !name.startsWith('user.'))
  }

  /** Of an open file or folder, as soon as there are some more of them, or at `flush`. */
  toFd(fd: number, metadata: Metadata, path: ByteString): void {
    this.#add({ fd: syscall('fcntl', fd, F_DUPFD_CLOEXEC, 3), metadata, path, kind: 'file' })
  }

  /** Of a link or fifo by its name in an open folder. */
  toName(
    folder: number,
    name: ByteString,
    metadata: Metadata,
    path: ByteString,
    { isLink }: { isLink: boolean },
  ): void {
    this.#add({ fd: openName(folder, name), metadata, path, kind: isLink ? 'link' : 'node' })
  }

  /** Sets all that waits. */
  flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    if (waiting.length === 0) return
    try {
      asRoot(this.#namespace, (program) => {
        return waiting.map((each) => this.#set(program, each)).at(-1)!
      })
    } catch (error) {
      throw isSyscallError(error) && error.syscall === 'fchownat' && error.code === 'EINVAL'
        ? notMapped(error.step ?? '', error)
        : error
    } finally {
      for (const { fd } of waiting) closeSync(fd)
    }
  }

  /** Forgets what waits. Idempotent. */
  close(): void {
    for (const { fd } of this.#waiting.splice(0)) closeSync(fd)
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting)
    if (this.#waiting.length >= most) this.flush()
  }

  /** In the same order as {@link MetadataWriter}. */
  #set(program: Program, { fd, metadata, path, kind }: Waiting): Ref {
    const place = pathOfFd(fd) // the child has the same descriptors
    const { uid, gid } = metadata
    if (!this.#namespace.singleId) {
      program.step(`give ${readable(path)} to ${uid}:${gid}`)
      program.call('fchownat', [fd, '', uid, gid, AT_EMPTY_PATH])
    }
    program.step(`set attributes of ${readable(path)}`)
    for (const { name, value } of metadata.attributes) {
      if (kind === 'link') continue // takes none of those that layers may set
      // a list that names ids, which are not mapped where there is one alone
      const tolerate = this.#namespace.singleId ? ['EINVAL'] : []
      const more = kind === 'file' ? [] : ['EPERM', 'EOPNOTSUPP']
      program.call('setxattr', [place, kernelString(name), value, value.length, 0], {
        tolerate: [...tolerate, ...more],
      })
    }
    if (kind !== 'link') program.call('fchmodat', [-1, place, metadata.mode])
    return program.call('utimensat', [
      fd,
      kind === 'file' ? null : '',
      timesOf(metadata),
      kind === 'file' ? 0 : AT_EMPTY_PATH,
    ])
  }
}

function notMapped(step: string, cause: Error): OverlayError {
  return new OverlayError(
    'ERR_OVERLAY_PERMISSION',
    `cannot ${step}: that id is not mapped; the ranges of the user in /etc/subuid and /etc/subgid must be larger`,
    { cause },
  )
}
