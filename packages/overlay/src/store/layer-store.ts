import { openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Fd, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '@ctr/linux'
import { layerLimits } from '../archive/limits.js'
import { OverlayError, systemError } from '../errors.js'
import { makeFolders } from '../files/make-folders.js'
import { inheritNothing } from '../files/inherit-nothing.js'
import type { OverlayDescription } from '../mount/description.js'
import { mountOverlay } from '../mount/mount-overlay.js'
import { checkPlain, checkStrategy, type MountStrategy } from '../mount/strategy.js'
import { Projects } from '../quota/projects.js'
import { checkStorageLimit } from '../quota/storage-limit.js'
import { discard } from './add-layer.js'
import { checkLayer } from './check-layer.js'
import { FlatTrees } from './flat-trees.js'
import { layerAges, type Layer } from './layer-folder.js'
import { LayerSet, type LayerSetOptions } from './layer-set.js'
import type {
  AddLayerOptions,
  CleanupResult,
  CreateRootOptions,
  LayerStoreOptions,
} from './layer-store-options.js'
import { checkRootId, Layout } from './layout.js'
import { makeRoot, removeRoot, type RootContext } from './make-root.js'
import { RootFilesystem } from './root-filesystem.js'
import { deadProjects, readRoot, rootIds, rootRecord } from './root-folder.js'
import { removeAbandoned } from './temporary-folders.js'

/**
 * Layers in folders, found by content, and root file systems that stand on them.
 *
 * Any number of processes may use one folder at once. Nothing is held open between calls, so a store needs no
 * closing. Its folders have mode 0700: layers hold setuid programs that are none of the host's.
 *
 * @example
 * const store = await LayerStore.open('/var/lib/ctrjs/overlay')
 * const layer = await store.add(createReadStream('layer.tar.gz'))
 * await using root = await store.createRoot('web-1', { layers: [layer.diffId] })
 * await using mounted = root.attach('/mnt')
 */
export class LayerStore {
  readonly #layout: Layout
  readonly #layers: LayerSet
  readonly #context: RootContext
  /** How new roots are made. */
  readonly strategy: MountStrategy

  private constructor(
    layout: Layout,
    { limits, durable, namespace }: Omit<LayerSetOptions, 'flat'>,
    strategy: MountStrategy,
  ) {
    const flat = new FlatTrees(layout, namespace)
    this.strategy = strategy
    this.#context = { namespace, flat, projects: new Projects(layout.projects, namespace) }
    this.#layout = layout
    this.#layers = new LayerSet(layout, { limits, durable, namespace, flat })
  }

  /**
   * Opens a store, made if it is missing.
   *
   * @param folder - On a file system that overlayfs takes as upper (ext4, xfs, btrfs, tmpfs; no overlay).
   * @throws {@link OverlayError} `ERR_OVERLAY_PERMISSION`: the folder cannot be made or is not ours.
   */
  static async open(
    folder: string,
    { limits, durable = true, userNamespace, strategy = 'overlay' }: LayerStoreOptions = {},
  ): Promise<LayerStore> {
    const checked = layerLimits(limits)
    checkStrategy(strategy, userNamespace !== undefined)
    const layout = new Layout(resolve(folder))
    try {
      for (const path of [layout.folder, layout.layers, layout.roots, layout.temporary, layout.empty]) {
        makeFolders(path)
        if (path !== layout.folder) inheritNothing(path)
      }
      inheritNothing(join(layout.folder, 'layers'))
    } catch (error) {
      throw systemError('open the store', layout.folder, error)
    }
    const options = { limits: checked, durable, namespace: userNamespace }
    const store = new LayerStore(layout, options, strategy)
    await store.#layers.recover()
    return store
  }

  /** The store's folder, absolute. */
  get folder(): string {
    return this.#layout.folder
  }

  /**
   * Adds a layer: decompresses it (gzip, zstd or none, as its first bytes say), unpacks and hashes it, and
   * shows it when it is whole. Adding what is there already succeeds; what is being added at the same moment, by this
   * process or another, is waited for when `diffId` says what it is, and unpacked once.
   *
   * Nothing outside of the layer's own folder is touched, whatever the archive says. A folder that is only
   * implied by a name becomes root's with mode 0755 and the time 0.
   *
   * @param source - The bytes of the blob. When `diffId` is there already they are not read, and the source is
   *   destroyed. Unless it is a stream, it may use the memory of a chunk again once it is asked for the next one.
   * @throws {@link OverlayError}
   *   - `ERR_OVERLAY_DIGEST`: the content is not what `diffId` says.
   *   - `ERR_OVERLAY_ARCHIVE`, `ERR_OVERLAY_COMPRESSION`, `ERR_OVERLAY_LIMIT`: see {@link OverlayErrorCode}.
   *   - `ERR_OVERLAY_UNSUPPORTED`: zstd on a Node.js without it, or a file system without extended attributes.
   *   - `ERR_OVERLAY_IO`: the disk is full (`ENOSPC`) or broken.
   * @see {@link https://github.com/opencontainers/image-spec/blob/main/layer.md}
   */
  async add(source: AsyncIterable<Uint8Array>, options: AddLayerOptions = {}): Promise<Layer> {
    return await this.#layers.add(source, options)
  }

  /**
   * A layer by its diffID, or `undefined`.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG` for what is no diffID.
   */
  get(diffId: string): Layer | undefined {
    return this.#layers.get(diffId)
  }

  /** All layers, in the order of their diffIDs. */
  async list(): Promise<readonly Layer[]> {
    return Promise.resolve(this.#layers.list())
  }

  /**
   * Compares a layer's files with its archive, by unpacking that once more: names, content, owners, permissions, times
   * and attributes.
   *
   * @param source - The bytes of the blob, compressed or not.
   * @throws {@link OverlayError} `ERR_OVERLAY_DAMAGED`: they differ; remove the layer and add it again.
   *   `ERR_OVERLAY_DIGEST`: the archive is another one. What {@link LayerStore.add} throws.
   */
  async check(
    diffId: string,
    source: AsyncIterable<Uint8Array>,
    { signal }: Pick<AddLayerOptions, 'signal'> = {},
  ): Promise<void> {
    try {
      await checkLayer(this.#layout, { diffId, source }, { namespace: this.#context.namespace, signal })
    } finally {
      await discard(source) // it was not read where the layer's description is damaged already
    }
  }

  /**
   * Layers that show in the store, whatever their folders hold, and when they were unpacked.
   *
   * @returns By diffID, in milliseconds since 1970.
   */
  ages(): ReadonlyMap<string, number> {
    return layerAges(this.#layout)
  }

  /**
   * Removes a layer. Does nothing when there is none.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_IN_USE`: a root stands on it.
   */
  async remove(diffId: string): Promise<void> {
    await this.#layers.remove(diffId)
  }

  /**
   * Opens a read-only view of layers, to be read through its descriptor: a mount, or where the kernel does not merge
   * them, a folder that they are copied into once.
   *
   * @param diffIds - From the bottom to the top.
   * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`: one of them is not in the store.
   */
  async openView(diffIds: readonly string[]): Promise<Fd> {
    const view = this.view(diffIds)
    if (this.strategy === 'overlay') return Promise.resolve(mountOverlay(view, this.#context.namespace))
    return new Fd(openSync(await this.#context.flat.get(view.lower), O_RDONLY | O_DIRECTORY | O_CLOEXEC))
  }

  /**
   * A read-only view of layers, without a folder of its own.
   *
   * @param diffIds - From the bottom to the top.
   * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`: one of them is not in the store.
   */
  view(diffIds: readonly string[]): OverlayDescription {
    const lower = this.#layers.foldersOf(diffIds)
    return {
      lower: lower.length === 1 ? [this.#layout.empty, ...lower] : lower,
      ...(this.#context.namespace === undefined ? {} : { userxattr: true }),
    }
  }

  /**
   * Makes a root file system with an upper folder of its own.
   *
   * @param id - Its name from now on: 1 to 128 letters, digits, `_`, `.`, `-`, the first a letter or digit.
   * @throws {@link OverlayError}
   *   - `ERR_OVERLAY_EXISTS`: there is one of that id.
   *   - `ERR_OVERLAY_NOT_FOUND`: a layer or folder is missing.
   *   - `ERR_OVERLAY_UNSUPPORTED`: a limit on a file system that keeps none.
   */
  async createRoot(
    id: string,
    { layers, lower, volatile, below, storage }: CreateRootOptions,
  ): Promise<RootFilesystem> {
    if (storage !== undefined) checkStorageLimit(storage)
    const above = layers === undefined ? lower : this.#layers.foldersOf(layers)
    const folders = below === undefined ? above : [below, ...above]
    if (this.strategy !== 'overlay' && layers === undefined) checkPlain(this.strategy, lower)
    const wanted = rootRecord(this.#layout, id, {
      layers: layers ?? [],
      lower: folders,
      volatile,
      userxattr: this.#context.namespace !== undefined,
      strategy: this.strategy,
    })
    const folder = this.#layout.root(id)
    const record = await makeRoot({ id, folder }, wanted, storage, this.#context)
    return new RootFilesystem({ id, folder }, record, this.#context)
  }

  /**
   * Finds a root file system again.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`, or `ERR_OVERLAY_DAMAGED` when its record cannot be read.
   */
  async openRoot(id: string): Promise<RootFilesystem> {
    const record = readRoot(this.#layout, checkRootId(id))
    if (record === undefined)
      throw new OverlayError('ERR_OVERLAY_NOT_FOUND', `cannot open the root ${id}: there is none`)
    const folder = this.#layout.root(id)
    return Promise.resolve(new RootFilesystem({ id, folder }, record, this.#context))
  }

  /**
   * Makes a layer of what was changed in a root file system. Unmount it before, or see to it that nobody writes to it.
   * The root stays, on the layers that it stands on.
   *
   * @param id - Of the root.
   * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`, and what {@link LayerStore.add} and
   *   {@link RootFilesystem.diff} throw.
   */
  async commit(id: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Layer> {
    return this.add((await this.openRoot(id)).diff(options), options)
  }

  /**
   * Removes a root file system by its id, whole, half made or damaged. Unmount it before. Idempotent.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_IO` with `EBUSY`: something is mounted in it.
   */
  async removeRoot(id: string): Promise<void> {
    await removeRoot(this.#layout.root(checkRootId(id)), this.#context)
  }

  /** Ids of all root file systems, half made ones included. */
  async roots(): Promise<readonly string[]> {
    return Promise.resolve(rootIds(this.#layout))
  }

  /**
   * Removes what dead processes left: half made layers always, and with `keep` every root file system whose id
   * is not in it. What living processes are making of layers stays.
   *
   * @param options - `keep`: ids of the roots that are wanted. Without it all roots stay.
   */
  async cleanup({ keep }: { readonly keep?: Iterable<string> | undefined } = {}): Promise<CleanupResult> {
    const abandoned = await removeAbandoned(this.#layout.temporary, this.#context.namespace)
    const wanted = new Set(keep)
    const unwanted = keep === undefined ? [] : rootIds(this.#layout).filter((id) => !wanted.has(id))
    for (const id of unwanted) await removeRoot(join(this.#layout.roots, id), this.#context)
    await this.#context.projects.cleanup((claims) => deadProjects(this.#layout, claims))
    return { abandoned, roots: unwanted }
  }
}
