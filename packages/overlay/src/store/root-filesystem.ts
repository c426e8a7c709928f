import { chmodSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Fd } from '@ctr/linux'
import type { OverlayDescription } from '../mount/description.js'
import { mountIdmapped } from '../mount/mount-idmapped.js'
import { mountOverlay } from '../mount/mount-overlay.js'
import { MountedRoot } from '../mount/mounted-root.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { removeTree } from '../files/remove-tree.js'
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
   * A folder counts as changed when something in it did. Hard links are told once for each name.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_LIMIT`: a tree of more than 512 levels.
   */
  async changes(): Promise<readonly Change[]> {
    return upperChanges(this.description, this.#namespace)
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
