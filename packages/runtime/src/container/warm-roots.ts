import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { llistxattr, type Fd } from '@ctr/linux'
import type { CapabilitySets } from '@ctr/namespaces'
import type { LayerStore, RootFilesystem } from '@ctr/overlay'
import { capabilityNumber, defaultCapabilities } from '../security/capability.js'

/** What a root stands on: layers of the store, or folders of the host. */
export type RootBase = { readonly layers: readonly string[] } | { readonly lower: readonly string[] }

/** A mounted copy-on-write root, for one container at a time. */
export interface WarmRoot {
  readonly root: RootFilesystem
  /** Detached mount of it. */
  readonly mount: Fd
  readonly base: RootBase
  /** Mode, owner and group that its upper folder was made with. */
  readonly look: string
}

/** How many unused roots are kept. Each is a mounted overlay without content. */
const MOST_SPARE = 16

/**
 * Copy-on-write roots of containers that end with this process. A root that was not written to is as good as
 * new: it is kept mounted for the next container on the same layers, which spares the file system the making and
 * removing of a dozen files, the largest part of a container's start on a busy disk.
 *
 * Names begin with the owner's, so that other processes leave them alone as long as it lives.
 */
export class WarmRoots implements AsyncDisposable {
  readonly #layers: LayerStore
  readonly #owner: string
  readonly #mountpoints: string
  readonly #spare = new Map<string, WarmRoot[]>()
  #made = 0

  constructor(layers: LayerStore, owner: string, mountpoints: string) {
    this.#layers = layers
    this.#mountpoints = mountpoints
    this.#owner = owner
  }

  /** A root on `base` that nobody has written to. */
  async take(base: RootBase): Promise<WarmRoot> {
    return this.#spare.get(keyOf(base))?.pop() ?? (await this.#make(base))
  }

  /**
   * Takes a root back. Kept if it is as it was when it was made, removed otherwise.
   *
   * @param reusable - False when its container could have changed the mount itself (`CAP_SYS_ADMIN`).
   */
  async giveBack(warm: WarmRoot, reusable: boolean): Promise<void> {
    if (!reusable || this.#count() >= MOST_SPARE || !isUntouched(warm)) {
      await discard(warm)
      return
    }
    const key = keyOf(warm.base)
    const list = this.#spare.get(key)
    if (list === undefined) this.#spare.set(key, [warm])
    else list.push(warm)
  }

  /** Removes the unused roots that stand on a layer, so that it can be removed. */
  async release(diffId: string): Promise<void> {
    for (const [key, list] of this.#spare) {
      if (list[0]?.root.layers.includes(diffId) !== true) continue
      this.#spare.delete(key)
      for (const warm of list) await discard(warm)
    }
  }

  /** Removes all unused roots. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#spare.values()].flat()
    this.#spare.clear()
    for (const warm of all) await discard(warm)
  }

  async #make(base: RootBase): Promise<WarmRoot> {
    const root = await this.#layers.createRoot(`warm-${this.#owner}-${this.#made++}`, {
      ...base,
      volatile: true,
      ...belowLayers(base, this.#mountpoints),
    })
    try {
      return { root, base, mount: root.mount(), look: lookOf(root) }
    } catch (error) {
      await root.remove()
      throw error
    }
  }

  #count(): number {
    return [...this.#spare.values()].reduce((sum, list) => sum + list.length, 0)
  }
}

/** The places that are mounted on, below layers; a folder of the host has them, and overlayfs wants no overlaps. */
export function belowLayers(base: RootBase, mountpoints: string): { readonly below?: string } {
  return 'layers' in base ? { below: mountpoints } : {}
}

/** Name of the owner of a warm root, from the root's; undefined for other roots. */
export function ownerOfRoot(rootId: string): string | undefined {
  return /^warm-(\d+-[0-9a-f]+)-\d+$/.exec(rootId)?.[1]
}

function keyOf(base: RootBase): string {
  return JSON.stringify(base)
}

async function discard({ mount, root }: WarmRoot): Promise<void> {
  mount.close()
  await root.remove()
}

function isUntouched({ root, look }: WarmRoot): boolean {
  const upper = root.description.upper!
  if (!existsSync(upper)) return false // another process has removed the container
  if (readdirSync(upper).length > 0 || lookOf(root) !== look) return false
  // overlayfs keeps notes of its own there; anything else was put on by a container
  return llistxattr(upper).every((name) => name.startsWith('trusted.overlay.'))
}

function lookOf({ description }: RootFilesystem): string {
  const { mode, uid, gid } = lstatSync(description.upper!)
  return `${mode} ${uid} ${gid}`
}

const ordinary = new Set(defaultCapabilities.map((name) => capabilityNumber(name)))

/** Without more than the default capabilities a container cannot change its mount or the flags of its files. */
export function isOrdinary({ bounding }: CapabilitySets): boolean {
  return bounding.every((number) => ordinary.has(number))
}
