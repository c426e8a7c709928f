import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { layerLimits, type LayerLimits } from '../archive/limits.js'
import { errnoOf, isOverlayError, OverlayError, systemError } from '../errors.js'
import { inheritNothing } from '../files/inherit-nothing.js'
import { makeFolders } from '../files/make-folders.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { parseProject, Projects, type Claim, type Project } from '../quota/projects.js'
import { checkStorageLimit, type StorageLimit } from '../quota/storage-limit.js'
import { parse } from '../store/layer-folder.js'
import { removeAbandoned, TemporaryFolder } from '../store/temporary-folders.js'
import { makeData, unpackVolume, Volume, type VolumeContext, type VolumeRecord } from './volume.js'
import { checkVolumeName, VolumeLayout } from './volume-layout.js'
import { checkVolumeMount, isStillMounted, parseVolumeMount, type VolumeMount } from './volume-mount.js'

/** Settings of {@link VolumeStore.open}. */
export interface VolumeStoreOptions {
  /** Bounds for what is restored or copied into a volume; see {@link LayerLimits} for the defaults. */
  readonly limits?: Partial<LayerLimits> | undefined
  /** For an ordinary user: the user namespace that owners of files are ids of. */
  readonly userNamespace?: StoreUserNamespace | undefined
}

/** Settings of {@link VolumeStore.create} and {@link VolumeStore.restore}. */
export interface CreateVolumeOptions {
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** How much it may hold. Default: as much as the disk. Needs root, and project quotas of the file system. */
  readonly storage?: StorageLimit | undefined
  /** What its files are in; mounted while somebody uses it. Root only. Default: a folder of the store. */
  readonly mount?: VolumeMount | undefined
}

/**
 * Named and anonymous volumes in one folder. Any number of processes may use it at once. Its folders have mode 0700;
 * the files of a volume are for the containers that it is mounted in.
 *
 * @example
 * const volumes = await VolumeStore.open('/var/lib/ctrjs/volumes')
 * const data = await volumes.create('data')
 * data.use('web-1') // from now on it cannot be removed
 */
export class VolumeStore {
  readonly #context: VolumeContext

  private constructor(context: VolumeContext) {
    this.#context = context
  }

  /** Opens a store, made if it is missing. */
  static async open(
    folder: string,
    { limits, userNamespace }: VolumeStoreOptions = {},
  ): Promise<VolumeStore> {
    const checked = layerLimits(limits)
    const namespace = userNamespace
    const layout = new VolumeLayout(resolve(folder))
    try {
      for (const path of [layout.folder, layout.temporary]) {
        makeFolders(path)
        inheritNothing(path)
      }
    } catch (error) {
      throw systemError('open the store', layout.folder, error)
    }
    const projects = new Projects(layout.projects, namespace)
    return Promise.resolve(new VolumeStore({ layout, limits: checked, namespace, projects }))
  }

  /** The store's folder, absolute. */
  get folder(): string {
    return this.#layout.folder
  }

  /**
   * Makes a volume, empty. One that is there already is given back as it is.
   *
   * @param name - 2 to 128 letters, digits, `_`, `.`, `-`, the first a letter or digit. Without it, an anonymous volume
   *   gets a name of 64 random hexadecimal digits.
   * @throws {@link OverlayError} `ERR_OVERLAY_UNSUPPORTED`: a limit on a file system that keeps none.
   */
  async create(name?: string, options: CreateVolumeOptions = {}): Promise<Volume> {
    const made = name === undefined ? randomBytes(32).toString('hex') : checkVolumeName(name)
    if (options.mount !== undefined) checkVolumeMount(options.mount, options)
    for (;;) {
      const existing = this.get(made)
      if (existing !== undefined) return existing
      const record = { ...recordOf(made, options), anonymous: name === undefined }
      const volume = await this.#make(record, options.storage, () => Promise.resolve())
      if (volume !== undefined) return volume
    }
  }

  /**
   * Makes a volume of a tar, plain or compressed: of {@link Volume.backup} for example. It is there whole or not at all.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_EXISTS`: there is one of that name; and for the tar what
   *   {@link LayerStore.add} throws.
   */
  async restore(
    name: string,
    source: AsyncIterable<Uint8Array>,
    {
      signal,
      ...options
    }: Omit<CreateVolumeOptions, 'mount'> & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Volume> {
    const volume =
      this.get(name) === undefined
        ? await this.#make(recordOf(name, options), options.storage, (data) =>
            unpackVolume(source, data, this.#context, signal),
          )
        : undefined
    if (volume !== undefined) return volume
    throw new OverlayError('ERR_OVERLAY_EXISTS', `cannot restore the volume ${name}: it is there already`)
  }

  /** A volume by its name, or `undefined`. */
  get(name: string): Volume | undefined {
    const record = this.#read(checkVolumeName(name))
    return record === undefined ? undefined : new Volume(this.#context, record)
  }

  /** All volumes whose records can be read, in the order of their names. */
  list(): readonly Volume[] {
    return this.#names().flatMap((name) => {
      try {
        return this.get(name) ?? []
      } catch (error) {
        if (isOverlayError(error) && error.code === 'ERR_OVERLAY_DAMAGED') return []
        throw error
      }
    })
  }

  /** Those whose records are damaged: kept for whoever looks into them, and the others can be used. */
  damaged(): readonly { readonly name: string; readonly error: OverlayError }[] {
    return this.#names().flatMap((name) => {
      try {
        this.get(name)
        return []
      } catch (error) {
        if (isOverlayError(error) && error.code === 'ERR_OVERLAY_DAMAGED') return [{ name, error }]
        throw error
      }
    })
  }

  /**
   * Removes a volume with its files. Does nothing when there is none.
   *
   * @throws {@link OverlayError} `ERR_OVERLAY_IN_USE`: somebody uses it.
   */
  async remove(name: string): Promise<void> {
    const volume = this.get(name)
    if (volume === undefined) return
    refuseUsed(volume, volume.users())
    await volume.detach()
    if (!(await this.#takeAway(volume))) return
    if (volume.project !== undefined) await this.#context.projects.release(volume.project)
  }

  /** Removes a volume that nobody uses; false when somebody else did. */
  async #takeAway(volume: Volume): Promise<boolean> {
    const place = this.#layout.volume(volume.name)
    await using temporary = this.#temporary()
    const away = join(temporary.path, 'volume')
    try {
      renameSync(place, away)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false
      throw systemError('remove the volume', volume.name, error)
    }
    // who began to use it in between is either seen here, or has not found it any more
    const users = readdirSync(join(away, 'users'))
    if (users.length === 0 && !(volume.mount !== undefined && isStillMounted(join(away, 'data')))) return true
    renameSync(away, place)
    throw inUse(volume, users.length === 0 ? ['a mount'] : users)
  }

  /**
   * Removes the volumes that nobody uses.
   *
   * @param options - `all`: named ones, too. Default only anonymous ones. `only`: those of them to remove.
   * @returns Names of what was removed.
   */
  async prune({
    all = false,
    only = () => true,
  }: {
    readonly all?: boolean | undefined
    readonly only?: ((volume: Volume) => boolean) | undefined
  } = {}): Promise<readonly string[]> {
    const removed: string[] = []
    for (const volume of this.list()) {
      if ((!all && !volume.anonymous) || volume.users().length > 0 || !only(volume)) continue
      try {
        await this.remove(volume.name)
        removed.push(volume.name)
      } catch (error) {
        if (!(error instanceof OverlayError && error.code === 'ERR_OVERLAY_IN_USE')) throw error
      }
    }
    return removed
  }

  /**
   * Removes what dead processes left half made, and ends uses; an anonymous volume goes with its last one.
   *
   * @param options - `ended`: says of a user whether it is no more. Without it all uses stay.
   */
  async cleanup({ ended }: { readonly ended?: ((user: string) => boolean) | undefined } = {}): Promise<void> {
    await removeAbandoned(this.#layout.temporary, this.#context.namespace)
    await this.#context.projects.cleanup((claims) => this.#findDead(claims))
    if (ended === undefined) return
    for (const volume of this.list()) {
      const users = volume.users().filter(ended)
      for (const user of users) volume.release(user)
      if (users.length > 0) await volume.detach()
      // made for one that never came to be: it would have given it back itself
      if (users.length > 0 && volume.anonymous && volume.users().length === 0) await this.remove(volume.name)
    }
  }

  /** Makes a volume aside and gives it its name; `undefined` when somebody else was faster. */
  async #make(
    wanted: VolumeRecord,
    storage: StorageLimit | undefined,
    fill: (data: string) => Promise<void>,
  ): Promise<Volume | undefined> {
    if (storage !== undefined) checkStorageLimit(storage)
    let project: Project | undefined
    let made: Volume | undefined
    try {
      await using temporary = this.#temporary()
      project = storage && this.#context.projects.claim(basename(temporary.path), storage)
      const record: VolumeRecord = { ...wanted, ...(project && { project }) }
      await this.#fillAndPlace(join(temporary.path, 'volume'), record, fill)
      made = new Volume(this.#context, record)
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST')
        throw systemError('make the volume', wanted.name, error)
    } finally {
      if (made === undefined && project !== undefined) await this.#context.projects.release(project)
    }
    return made
  }

  async #fillAndPlace(
    folder: string,
    record: VolumeRecord,
    fill: (data: string) => Promise<void>,
  ): Promise<void> {
    mkdirSync(join(folder, 'users'), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'volume.json'), JSON.stringify(record), { mode: 0o600, flag: 'wx' })
    makeData(join(folder, 'data'), record.project)
    await fill(join(folder, 'data'))
    renameSync(folder, this.#layout.volume(record.name))
  }

  get #layout(): VolumeLayout {
    return this.#context.layout
  }

  #temporary(): TemporaryFolder {
    return TemporaryFolder.create(this.#layout.temporary, this.#context.namespace)
  }

  /** Projects of volumes that are neither being made nor there, which is looked at in this order. */
  #findDead(claims: readonly Claim[]): readonly Claim[] {
    const made = claims.filter(({ owner }) => !existsSync(join(this.#layout.temporary, owner)))
    const kept = new Set(made.length === 0 ? [] : this.list().map(({ project }) => project?.claim))
    return made.filter(({ claim }) => !kept.has(claim))
  }

  #names(): string[] {
    return readdirSync(this.#layout.folder)
      .filter((name) => !name.startsWith('.'))
      .sort()
  }

  #read(name: string): VolumeRecord | undefined {
    const path = this.#layout.record(name)
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw systemError('read', path, error)
    }
    const { anonymous, labels, createdAt, ...rest } = parse(path, text)
    if (typeof createdAt === 'string' && typeof anonymous === 'boolean' && isLabels(labels)) {
      const [project, mount] = [parseProject(rest['project']), parseVolumeMount(rest['mount'])]
      return { name, anonymous, labels, createdAt, ...(project && { project }), ...(mount && { mount }) }
    }
    throw new OverlayError('ERR_OVERLAY_DAMAGED', `cannot read ${path}: it is not what was written`, { path })
  }
}

function recordOf(name: string, { labels = {}, mount }: CreateVolumeOptions): VolumeRecord {
  return { name, anonymous: false, labels, createdAt: new Date().toISOString(), mount }
}

function isLabels(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => typeof item === 'string')
  )
}

function refuseUsed(volume: Volume, users: readonly string[]): void {
  if (users.length > 0) throw inUse(volume, users)
}

function inUse({ name }: Volume, users: readonly string[]): OverlayError {
  return new OverlayError(
    'ERR_OVERLAY_IN_USE',
    `cannot remove the volume ${name}: it is in use by ${users.join(', ')}`,
  )
}
