import { chmodSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Fd } from '@ctr/linux'
import type { OverlayDescription } from '../mount/description.js'
import { mountIdmapped } from '../mount/mount-idmapped.js'
import { mountOverlay } from '../mount/mount-overlay.js'
import { MountedRoot } from '../mount/mounted-root.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { removeTree } from '../files/remove-tree.js'
import { tarStream } from '../pack/pack-tree.js'
import { upperChanges, type Change } from './changes.js'
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
  readonly #namespace: StoreUserNamespace | undefined

  /** Use `LayerStore.createRoot` or `LayerStore.openRoot`. */
  constructor(
    id: string,
    folder: string,
    { layers, ...description }: RootRecord,
    namespace?: StoreUserNamespace,
  ) {
    this.#namespace = namespace
    this.id = id
    this.folder = folder
    this.layers = layers
    this.description = description
  }

  /**
   * Mounts it, detached; see {@link mountOverlay}. While it is mounted, no second mount of it can be made.
   *
   * @returns The mount, to be closed or attached by the caller.
   */
  mount(): Fd {
    this.#forgetVolatileMount()
    return mountOverlay(this.description, this.#namespace)
  }

  /**
   * Mounts it for the ids of a user namespace, detached; see {@link mountIdmapped}.
   *
   * @param userNamespace - Descriptor of a user namespace.
   */
  mountIdmapped(userNamespace: number): Fd {
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
    return upperChanges(this.description, this.#namespace)
  }

  /**
   * What was changed as a layer: a plain tar with whiteouts for what was deleted. On top of the layers below it is what
   * this root shows. Unmount it before, or see to it that nobody writes to it.
   *
   * Everything in the upper folder is packed, also what was only copied up; see {@link packTree} for what is kept of
   * each file. The same upper folder gives the same bytes.
   *
   * @throws {@link OverlayError} By the stream: `ERR_OVERLAY_INVALID_ARG` for a file whose name begins with `.wh.`, which
   *   means something else in a layer.
   * @see {@link https://github.com/opencontainers/image-spec/blob/main/layer.md}
   */
  diff({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Readable {
    return tarStream(() => this.description.upper!, { isUpper: true, namespace: this.#namespace }, signal)
  }

  /**
   * All that this root shows as one plain tar. `LayerStore.add` takes it as a layer again. Nobody should write to the
   * root meanwhile; it may be mounted.
   */
  export({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Readable {
    const { lower, upper, userxattr } = this.description
    let view: Fd | undefined
    // a second mount with the same upper folder is refused, one that has it as its topmost lower one is not
    const open = (): number => {
      view = mountOverlay({ lower: [...lower, upper!], userxattr }, this.#namespace)
      return view.number
    }
    return tarStream(open, { isUpper: false, namespace: this.#namespace }, signal, () => view?.close())
  }

  /**
   * Removes it with everything that was written to it. Unmount it before. Idempotent.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_IO` with `EBUSY`: something is mounted in it.
   */
  async remove(): Promise<void> {
    await removeTree(this.folder, this.#namespace)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove()
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
      for (const path of this.#namespace === undefined ? [] : ['', 'incompat', 'incompat/volatile'])
        if (existsSync(join(marks, path))) chmodSync(join(marks, path), 0o700)
      rmSync(join(marks, 'incompat'), { recursive: true, force: true })
    }
  }
}
