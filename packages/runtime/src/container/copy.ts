import type { Readable } from 'node:stream'
import { isSyscallError, type Fd } from '@ctr/linux'
import {
  isOverlayError,
  packInside,
  statInside,
  unpackInside,
  type FileStatus,
  type LayerLimits,
  type PackedPath,
} from '@ctr/overlay'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { openReadView, openWriteView } from './file-view.js'
import type { ContainerRecord } from './record.js'
import type { WarmRoot } from './warm-root.js'
import type { WatchedProcess } from './watched-process.js'

/** Settings of {@link ContainerFiles.copyIn}. */
export interface CopyInOptions {
  /** What the archive may ask for at most. */
  readonly limits?: Partial<LayerLimits> | undefined
  /** A folder never makes room for a file, nor a file for a folder. Default false. */
  readonly keepsKinds?: boolean | undefined
  /** Everything is this owner's, whatever the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** Ends the work: what is written by then stays. */
  readonly signal?: AbortSignal | undefined
}

/** What {@link ContainerFiles} needs of its container. */
export interface FilesOf {
  record(): ContainerRecord
  /** The first process of a running container. */
  init(record: ContainerRecord): WatchedProcess | undefined
  warm(): WarmRoot | undefined
  /** Resolves when all that a running container needs was given back. */
  ended(): Promise<unknown>
}

/**
 * Files of a container, running or not: its root with its volumes and binds, as `docker cp` shows them. What the
 * container has mounted itself is not there, `/proc`, `/sys` and `/dev` among it.
 *
 * Paths are resolved inside its root by the kernel, whatever the container renames or links anew meanwhile; nothing of
 * the container is executed or loaded, no device and no fifo opened. Root only.
 */
export class ContainerFiles {
  readonly #context: Context
  readonly #of: FilesOf

  /** @internal Use `Container.files`. */
  constructor(context: Context, of: FilesOf) {
    this.#context = context
    this.#of = of
  }

  /**
   * What lies at a path, as `lstat` tells it; a link at its end is followed where the path ends in `/` or `/.`.
   *
   * @throws `OverlayError` `ERR_OVERLAY_NOT_FOUND`; `ERR_OVERLAY_INVALID_ARG`: a path that cannot be.
   * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`: the caller is not root.
   */
  async stat(path: string): Promise<FileStatus> {
    using view = await this.#read()
    return statInside(view.number, path)
  }

  /**
   * Takes a file, or a folder with everything in it, out of the container.
   *
   * @param path - See {@link stat}.
   * @param name - What it is called in the tar. Default the last component of `path`; `.` where the path ends so.
   * @returns What it is, and a plain tar of it. Read that to its end, or destroy it.
   * @throws as {@link stat}; later failures come out of the tar.
   */
  async copyOut(
    path: string,
    options: { readonly name?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<PackedPath> {
    using view = await this.#read()
    return packInside(view.number, path, options)
  }

  /**
   * Unpacks a tar, compressed or not, into a folder of the container. Folders that are there stay, other files are
   * replaced. When it fails, what was unpacked by then stays. A start of the container waits until it is over.
   *
   * @param source - The tar.
   * @param path - A folder of the container; links are followed.
   * @throws {@link RuntimeError} `ERR_RUNTIME_READ_ONLY`: its root, or the volume, is read-only;
   *   `ERR_RUNTIME_UNSUPPORTED`: it runs in a user namespace of its own, or the caller is not root.
   * @throws `OverlayError` as `unpackInside`: `ERR_OVERLAY_NOT_FOUND`, `ERR_OVERLAY_INVALID_ARG`,
   *   `ERR_OVERLAY_ARCHIVE`, `ERR_OVERLAY_LIMIT`.
   */
  async copyIn(
    source: AsyncIterable<Uint8Array> | Readable,
    path: string,
    options: CopyInOptions = {},
  ): Promise<void> {
    await this.#context.changing.run(this.#of.record().id, async () => {
      const { record, view: opened } = await this.#openToWrite()
      using view = opened
      try {
        await unpackInside(source, view.number, path, options)
      } catch (error) {
        throw isOverlayError(error) && error.code === 'ERR_OVERLAY_READ_ONLY'
          ? readOnly(record, error.path ?? '/', error)
          : error
      }
    })
  }

  async #openToWrite(): Promise<{ readonly record: ContainerRecord; readonly view: Fd }> {
    const open = async (record: ContainerRecord): Promise<{ record: ContainerRecord; view: Fd }> => {
      const init = record.status === 'running' ? this.#of.init(record) : undefined
      return { record, view: await openWriteView(this.#context, record, { init, warm: this.#of.warm() }) }
    }
    const record = this.#fresh()
    try {
      return await open(record)
    } catch (error) {
      if (record.status !== 'running' || !isSyscallError(error) || error.code !== 'ESRCH') throw error
    }
    await this.#of.ended() // its process has, but not all that follows from it
    return await open(this.#fresh())
  }

  /** Another handle may have started it meanwhile. */
  #fresh(): ContainerRecord {
    const known = this.#of.record()
    if (known.status === 'running') return known
    const kept = this.#context.records.load(known.id)
    return kept.status === 'running' ? kept : known
  }

  async #read(): ReturnType<typeof openReadView> {
    // the places of its mounts may have to be made
    const { id } = this.#of.record()
    return await this.#context.changing.run(id, () => openReadView(this.#context, this.#of.record()))
  }
}

/** In Docker's words. */
function readOnly({ name, mounts }: ContainerRecord, path: string, cause: Error): RuntimeError {
  const isInside = ({ target }: { readonly target: string }): boolean =>
    path === target || path.startsWith(`${target}/`)
  const what = mounts.some(isInside) ? 'mounted volume' : 'container rootfs'
  return new RuntimeError(
    'ERR_RUNTIME_READ_ONLY',
    `cannot copy into container ${name}: ${what} is marked read-only`,
    { cause },
  )
}
