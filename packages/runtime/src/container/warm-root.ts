import { close, lstatSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { llistxattr, type Fd } from '@ctr/linux'
import type { CapabilitySets } from '@ctr/namespaces'
import type { RootFilesystem } from '@ctr/overlay'
import { capabilityNumber, defaultCapabilities } from '../security/capability.js'

/** What a root stands on: layers of the store, or folders of the host. */
export type RootBase = { readonly layers: readonly string[] } | { readonly lower: readonly string[] }

/** In the folder of a root whose container could have changed more than files. */
const mark = 'not-to-be-used-again'

/** A copy-on-write root, for one container at a time, mounted when it is first needed. */
export class WarmRoot {
  readonly root: RootFilesystem
  readonly base: RootBase
  #mount: Fd | undefined

  constructor(root: RootFilesystem, base: RootBase) {
    this.root = root
    this.base = base
  }

  /** Detached mount of it. */
  get mount(): Fd {
    return (this.#mount ??= this.root.mount())
  }

  /** Whether its container has left it as it was made. */
  isUntouched(): boolean {
    const { folder, description } = this.root
    const upper = description.upper!
    try {
      if (readdirSync(upper).length > 0 || readdirSync(folder).includes(mark)) return false
      if (lookOf(upper) !== lookOf(description.lower.at(-1)!)) return false
      // overlayfs keeps notes of its own there; anything else was put on by a container
      return llistxattr(upper).every((name) => name.startsWith('trusted.overlay.'))
    } catch (error) {
      // another process has removed the container, or the layer is gone
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
  }

  /**
   * Unmounts it. The kernel then syncs the whole file system that it is on, unless it is volatile: that takes a thread of
   * the pool, not ours.
   */
  async unmount(): Promise<void> {
    const mount = this.#mount
    this.#mount = undefined
    if (mount === undefined) return
    if (this.root.description.volatile === true) mount.close()
    else await new Promise<void>((resolve) => close(mount.release(), () => resolve()))
  }
}

/** Says of a root that no other container may have it, whoever looks after it. */
export function spoilRoot({ folder }: RootFilesystem): void {
  writeFileSync(join(folder, mark), '')
}

function lookOf(folder: string): string {
  const { mode, uid, gid } = lstatSync(folder)
  return `${mode} ${uid} ${gid}`
}

const ordinary = new Set(defaultCapabilities.map((name) => capabilityNumber(name)))

/** Without more than the default capabilities a container cannot change its mount or the flags of its files. */
export function isOrdinary({ bounding }: CapabilitySets): boolean {
  return bounding.every((number) => ordinary.has(number))
}
