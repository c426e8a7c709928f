import { chmodSync, closeSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '@ctr/linux'
import type { LayerLimits } from '../archive/limits.js'
import { errnoOf, isOverlayError, OverlayError, systemError } from '../errors.js'
import { byteStringOf } from '../files/byte-string.js'
import { withFileLock } from '../files/file-lock.js'
import { names } from '../files/names.js'
import { openIn } from '../files/open-in.js'
import { TreeAccess } from '../files/tree-access.js'
import { treeSize } from '../files/tree-size.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { packTree } from '../pack/pack-tree.js'
import { addToProject, type Project, type Projects } from '../quota/projects.js'
import type { StorageUse } from '../quota/storage-limit.js'
import { TemporaryFolder } from '../store/temporary-folders.js'
import { unpackLayer } from '../unpack/unpack-layer.js'
import { checkUser, type VolumeLayout } from './volume-layout.js'
import { mountVolume, unmountVolume, type VolumeMount } from './volume-mount.js'

/** What is kept about a volume. */
export interface VolumeRecord {
  readonly name: string
  /** It was made without a name, for one container. */
  readonly anonymous: boolean
  readonly labels: Readonly<Record<string, string>>
  /** When it was made, in ISO 8601. */
  readonly createdAt: string
  /** What its limit is kept by, where it has one. */
  readonly project?: Project | undefined
  /** What its files are in, where that is not the folder alone. */
  readonly mount?: VolumeMount | undefined
}

/** What all volumes of a store have in common. */
export interface VolumeContext {
  readonly layout: VolumeLayout
  readonly limits: LayerLimits
  readonly namespace: StoreUserNamespace | undefined
  readonly projects: Projects
}

/** Files that outlive containers, in a folder that is mounted in them. `VolumeStore` has them. */
export class Volume implements VolumeRecord {
  readonly name: string
  readonly anonymous: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: string
  readonly project: Project | undefined
  readonly mount: VolumeMount | undefined
  readonly #context: VolumeContext

  /** Use {@link VolumeStore}. */
  constructor(context: VolumeContext, record: VolumeRecord) {
    this.#context = context
    this.name = record.name
    this.anonymous = record.anonymous
    this.labels = record.labels
    this.createdAt = record.createdAt
    this.project = record.project
    this.mount = record.mount
  }

  /** The folder of its files. */
  get path(): string {
    return this.#context.layout.data(this.name)
  }

  /** True when it has no files. */
  isEmpty(): boolean {
    try {
      const folder = new TreeAccess(this.#context.namespace).openFolder(AT_FDCWD, byteStringOf(this.path))
      try {
        return names(folder).next().done === true
      } finally {
        closeSync(folder)
      }
    } catch (error) {
      throw systemError('read the volume', this.name, error)
    }
  }

  /** Bytes of its files: a file with several names once, folders not at all. It may be in use meanwhile. */
  async size(): Promise<number> {
    try {
      return await treeSize(this.path, this.#context.namespace)
    } catch (error) {
      if (isOverlayError(error) && error.code === 'ERR_OVERLAY_NOT_FOUND') return 0 // removed meanwhile
      throw error
    }
  }

  /** Its limit, and what of it is taken; undefined for a volume without one. */
  storage(): StorageUse | undefined {
    return this.project === undefined ? undefined : this.#context.projects.use(this.project)
  }

  /** Who uses it, in the order of their names. */
  users(): readonly string[] {
    try {
      return readdirSync(this.#context.layout.users(this.name)).sort()
    } catch (error) {
      throw systemError('read', this.name, error)
    }
  }

  /**
   * Notes that somebody uses it, which keeps it from being removed, also after this process has ended. Idempotent.
   *
   * @param user - Id of a container for example: 1 to 128 letters, digits, `_`, `.`, `-`.
   * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`: it was removed meanwhile.
   */
  use(user: string): void {
    try {
      writeFileSync(join(this.#context.layout.users(this.name), checkUser(user)), '', { mode: 0o600 })
    } catch (error) {
      throw systemError('use the volume', this.name, error)
    }
  }

  /**
   * Mounts what its files are in, unless that is done, for somebody who uses it from before on. Others of this mount
   * namespace see it, too, until nobody uses it.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG`: there is no such thing on the host; and what the kernel says.
   */
  async attach(): Promise<void> {
    const { mount } = this
    if (mount === undefined) return
    await withFileLock(this.#context.layout.lock(this.name), () => {
      try {
        mountVolume(mount, this.path)
      } catch (error) {
        const what = `mount ${mount.device} for the volume`
        if (errnoOf(error) !== 'ENOENT') throw systemError(what, this.name, error)
        const message = `cannot ${what} ${this.name}: it does not exist`
        throw new OverlayError('ERR_OVERLAY_INVALID_ARG', message, { cause: error })
      }
    })
  }

  /** Unmounts it if nobody uses it. */
  async detach(): Promise<void> {
    if (this.mount === undefined) return
    await withFileLock(this.#context.layout.lock(this.name), () => {
      if (this.users().length === 0) unmountVolume(this.path)
    })
  }

  /** Ends a use. Idempotent. */
  release(user: string): void {
    rmSync(join(this.#context.layout.users(this.name), checkUser(user)), { force: true })
  }

  /**
   * Fills it, if it is empty and nobody but `user` uses it, with a copy of a folder: what an image has where a volume is
   * mounted; one of a mount is never filled. The volume's own folder gets owner and permissions of that folder, too. Whole or not at all.
   *
   * @param root - Descriptor of the image's tree, which is not trusted; stays the caller's.
   * @param path - Path in the tree, resolved inside of it. What is no folder there fills nothing.
   * @returns True when it was filled.
   */
  async fill(root: number, path: string, user: string): Promise<boolean> {
    if (this.mount !== undefined) return false
    const source = openFolder(root, path)
    if (source === undefined) return false
    try {
      return await withFileLock(this.#context.layout.lock(this.name), async () => {
        const others = this.users().some((other) => other !== user)
        if (others || !this.isEmpty()) return false
        await using temporary = TemporaryFolder.create(
          this.#context.layout.temporary,
          this.#context.namespace,
        )
        const made = join(temporary.path, 'data')
        makeData(made, this.project)
        await unpackVolume(packTree(source, { namespace: this.#context.namespace }), made, this.#context)
        return replaceEmpty(made, this.path)
      })
    } finally {
      closeSync(source)
    }
  }

  /**
   * Packs its files as a plain tar, which `VolumeStore.restore` takes, here or elsewhere; see {@link packTree}. Nobody
   * should write to it meanwhile.
   */
  backup({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Readable {
    return packTree(this.path, { signal, namespace: this.#context.namespace })
  }
}

/** Unpacks a tar as it is into an empty folder: names that would be whiteouts in a layer mean nothing. */
export async function unpackVolume(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  { limits, namespace }: VolumeContext,
  signal?: AbortSignal,
): Promise<void> {
  await unpackLayer(source, folder, { limits, signal, namespace, whiteouts: 'plain' })
}

/** Makes the folder of a volume's files. */
export function makeData(folder: string, project: Project | undefined): void {
  mkdirSync(folder, { mode: 0o755 })
  chmodSync(folder, 0o755) // whatever the umask is
  if (project !== undefined) addToProject(project, folder)
}

/** False when somebody has put something there meanwhile. */
function replaceEmpty(made: string, place: string): boolean {
  try {
    renameSync(made, place)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return false
    throw systemError('fill', place, error)
  }
}

function openFolder(root: number, path: string): number | undefined {
  try {
    return openIn(root, byteStringOf(path), O_RDONLY | O_DIRECTORY)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw systemError('copy', path, error)
  }
}
