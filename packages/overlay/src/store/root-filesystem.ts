import { chmodSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Fd } from '@ctr/linux'
import type { OverlayDescription } from '../mount/description.js'
import { mountIdmapped } from '../mount/mount-idmapped.js'
import { mountOverlay } from '../mount/mount-overlay.js'
import { MountedRoot } from '../mount/mounted-root.js'
import type { OwnerMaps } from '../ids/inside-ids.js'
import { OverlayError } from '../errors.js'
import { pathOfFd } from '../files/open-in.js'
import { treeSize } from '../files/tree-size.js'
import { mountFolder } from '../mount/mount-folder.js'
import { mountFuse } from '../mount/mount-fuse.js'
import type { MountStrategy } from '../mount/strategy.js'
import { mergedTarStream, tarStream } from '../pack/pack-tree.js'
import type { Project } from '../quota/projects.js'
import type { StorageUse } from '../quota/storage-limit.js'
import { changesOf, differencesOf, type Change, type Compared } from './changes.js'
import { removeRoot, type RootContext } from './make-root.js'
import type { RootRecord } from './root-folder.js'

/**
 * A root file system: layers below, and an upper folder of its own that takes every change. It stays when the
 * process ends; `LayerStore.openRoot` finds it again.
 *
 * At the end of an `await using` block it is removed, with all that was written to it.
 */
export class RootFilesystem implements AsyncDisposable {
  /** The id it was made with. */
  readonly id: string
  /** Its folder in the store. */
  readonly folder: string
  /** Layers that it stands on, from the bottom to the top; empty when it stands on plain folders. */
  readonly layers: readonly string[]
  /** How to mount it. */
  readonly description: OverlayDescription
  /** How its layers become one tree. Of a copy, `description.upper` is all of it. */
  readonly strategy: MountStrategy
  readonly #project: Project | undefined
  readonly #context: RootContext

  /** Use `LayerStore.createRoot` or `LayerStore.openRoot`. */
  constructor(
    { id, folder }: { readonly id: string; readonly folder: string },
    { layers, strategy = 'overlay', project, ...description }: RootRecord,
    context: RootContext,
  ) {
    this.#context = context
    this.#project = project
    this.id = id
    this.folder = folder
    this.layers = layers
    this.strategy = strategy
    this.description = description
  }

  /**
   * Mounts it, detached; see {@link mountOverlay}. While it is mounted, no second mount of it can be made.
   *
   * @returns The mount, to be closed or attached by the caller.
   * @throws {@link OverlayError} `ERR_OVERLAY_UNSUPPORTED`: by fuse-overlayfs, only {@link RootFilesystem.mountIn} can.
   */
  mount(): Fd {
    switch (this.strategy) {
      case 'overlay':
        this.#forgetVolatileMount()
        return mountOverlay(this.description, this.#context.namespace)
      case 'copy':
        return mountFolder(this.description.upper!, this.#context.namespace)
      case 'fuse-overlayfs':
        throw new OverlayError(
          'ERR_OVERLAY_UNSUPPORTED',
          `cannot mount the root ${this.id} at once: fuse-overlayfs has to be started for a user namespace; use mountIn`,
        )
    }
  }

  /**
   * Mounts what it shows now, detached and read-only, whether it is mounted or not. Owners are those on disk. What is
   * changed afterwards may show or not.
   *
   * @throws {@link OverlayError} as {@link RootFilesystem.mount}.
   */
  view(): Fd {
    if (this.strategy !== 'overlay') return this.mount()
    const { lower, upper, userxattr } = this.description
    // a second mount with the same upper folder is refused, one that has it as its topmost lower one is not
    return mountOverlay({ lower: [...lower, upper!], userxattr }, this.#context.namespace)
  }

  /**
   * Mounts it, detached, in a user namespace of an ordinary user, whichever way the store has: the same maps as the
   * store's.
   *
   * @param userNamespace - Descriptor of the namespace.
   */
  async mountIn(userNamespace: number): Promise<Fd> {
    if (this.strategy === 'fuse-overlayfs') return mountFuse(this.description, userNamespace)
    const namespace = { fd: userNamespace, singleId: this.#context.namespace?.singleId ?? false }
    if (this.strategy === 'copy') return Promise.resolve(mountFolder(this.description.upper!, namespace))
    this.#forgetVolatileMount()
    return Promise.resolve(mountOverlay(this.description, namespace))
  }

  /**
   * Mounts it for the ids of a user namespace, detached; see {@link mountIdmapped}.
   *
   * @param userNamespace - Descriptor of a user namespace.
   */
  mountIdmapped(userNamespace: number): Fd {
    if (this.strategy !== 'overlay') {
      throw new OverlayError(
        'ERR_OVERLAY_UNSUPPORTED',
        `cannot map the ids of the root ${this.id}: only overlays of the kernel can be, and it is made by ${this.strategy}`,
      )
    }
    this.#forgetVolatileMount()
    return mountIdmapped(this.description, userNamespace)
  }

  /**
   * Mounts it at a folder.
   *
   * @param path - A folder that exists.
   */
  attach(path: string): MountedRoot {
    return MountedRoot.attach(this.mount(), path)
  }

  /**
   * What differs from the layers below, sorted by path, as `docker diff` tells it.
   *
   * A folder counts as changed when something in it did. A file that was only opened for writing, or that got an
   * attribute other than a capability, counts as unchanged, and so does a folder of which only the time is another. Hard
   * links are told once for each name.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_LIMIT`: a tree of more than 512 levels.
   */
  async changes(): Promise<readonly Change[]> {
    return await this.#compare(changesOf)
  }

  /**
   * Bytes of the files in its upper folder: what was written, and of a copy all of it. It may be mounted.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`: it was removed meanwhile.
   */
  async size(): Promise<number> {
    return await treeSize(this.description.upper!, this.#context.namespace)
  }

  /** Its limit, and what of it is taken; undefined for a root without one. */
  storage(): StorageUse | undefined {
    return this.#project === undefined ? undefined : this.#context.projects.use(this.#project)
  }

  /**
   * What was changed as a layer: a plain tar with whiteouts for what was deleted. On top of the layers below it is what
   * this root shows. Unmount it before, or see to it that nobody writes to it.
   *
   * Everything in the upper folder is packed, also what was only copied up; see {@link packTree} for what is kept of
   * each file. The same upper folder gives the same bytes.
   *
   * @param options - `owners`: maps of a user namespace whose ids the files of the upper folder have, as after
   *   {@link RootFilesystem.mountIdmapped}; the layer then has the ids inside.
   * @throws {@link OverlayError} By the stream: `ERR_OVERLAY_INVALID_ARG` for a file whose name begins with `.wh.`, which
   *   means something else in a layer.
   * @see {@link https://github.com/opencontainers/image-spec/blob/main/layer.md}
   */
  diff({
    signal,
    owners,
  }: {
    readonly signal?: AbortSignal | undefined
    readonly owners?: OwnerMaps | undefined
  } = {}): Readable {
    const { strategy: madeBy, description } = this
    const options = { namespace: this.#context.namespace, madeBy, owners }
    if (madeBy !== 'copy') return tarStream(() => description.upper!, { ...options, isUpper: true }, signal)
    return later(async () => {
      const only = await this.#compare(differencesOf)
      return tarStream(
        () => description.upper!,
        { namespace: this.#context.namespace, isUpper: false, only },
        signal,
      )
    })
  }

  /**
   * All that this root shows as one plain tar. `LayerStore.add` takes it as a layer again. Nobody should write to the
   * root meanwhile; it may be mounted.
   */
  export({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Readable {
    const { lower, upper } = this.description
    const namespace = this.#context.namespace
    if (this.strategy === 'copy') return tarStream(() => upper!, { isUpper: false, namespace }, signal)
    if (this.strategy === 'fuse-overlayfs')
      return mergedTarStream([...lower, upper!], { namespace, madeBy: this.strategy }, signal)
    let view: Fd | undefined
    const open = (): number => {
      view = this.view()
      return view.number
    }
    return tarStream(open, { isUpper: false, namespace }, signal, () => view?.close())
  }

  /**
   * Removes it with everything that was written to it. Unmount it before. Idempotent.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_IO` with `EBUSY`: something is mounted in it.
   */
  async remove(): Promise<void> {
    await removeRoot(this.folder, this.#context)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove()
  }

  /** Hands over what the root is compared with: the layers below it as one tree. */
  async #compare<T>(use: (compared: Compared) => Promise<T>): Promise<T> {
    const { lower, upper, userxattr } = this.description
    const given = { upper: upper!, madeBy: this.strategy, namespace: this.#context.namespace }
    if (lower.length === 1) return await use({ ...given, lower: lower[0]! })
    if (this.strategy !== 'overlay')
      return await use({ ...given, lower: await this.#context.flat.get(lower) })
    // the kernel itself merges them
    using merged = mountOverlay({ lower, userxattr }, this.#context.namespace)
    return await use({ ...given, lower: pathOfFd(merged.number) })
  }

  /**
   * After a volatile mount overlayfs refuses another one until its mark is removed: the machine may have crashed
   * in between. The mark is a folder, and the root is for this boot only, so it may go.
   */
  #forgetVolatileMount(): void {
    const { work, volatile } = this.description
    if (volatile === true && work !== undefined) {
      const marks = join(work, 'work')
      // overlayfs closes them even to their owner, which only root may pass over
      for (const path of this.#context.namespace === undefined ? [] : ['', 'incompat', 'incompat/volatile'])
        if (existsSync(join(marks, path))) chmodSync(join(marks, path), 0o700)
      rmSync(join(marks, 'incompat'), { recursive: true, force: true })
    }
  }
}

/** A stream of which it takes a while to know what is in it. */
function later(make: () => Promise<Readable>): Readable {
  async function* chunks(): AsyncGenerator<Buffer, void> {
    yield* (await make()) as AsyncIterable<Buffer>
  }
  return Readable.from(chunks(), { objectMode: false })
}
