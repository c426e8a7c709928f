import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openCgroup, isCgroupError, type CgroupDriver } from '@ctr/cgroups'
import { Sha256 } from '@ctr/linux'
import { LayerStore, VolumeStore, type MountStrategy } from '@ctr/overlay'
import { ImageStore, type RegistryClientOptions, type SignaturePolicy } from '@ctr/registry'
import { cleanUp, type CleanUpFailure } from './cleanup.js'
import { Container } from './container/container.js'
import { explainContainer } from './container/explain.js'
import { createContainer, specOfKept } from './container/create.js'
import { releaseRunning, removeFiles } from './container/release.js'
import { resolveSpec } from './container/spec.js'
import { startContainer } from './container/start.js'
import { Context } from './context.js'
import { RuntimeError } from './errors.js'
import { Images } from './images/images.js'
import type { CreateContainerOptions, RunOptions, StartContainerOptions } from './options.js'
import { systemdNeedsRoot, userNamespaceNeedsRoot } from './rootless/limits.js'
import { adoptNames } from './networks/adopt-names.js'
import { RuntimeNetworks } from './networks/runtime-networks.js'
import { Rootless } from './rootless/rootless.js'
import { rootlessInfo, type RootlessInfo } from './rootless/rootless-info.js'
import { chooseStorage } from './rootless/choose-storage.js'
import { defaultRoot, defaultState } from './default-folders.js'
import { checkUserNamespace, type UserNamespaceOption } from './userns/option.js'

/** Where a runtime lives, and how it reaches registries. */
export interface RuntimeOptions {
  /**
   * Folder of images, layers and containers. Default `/var/lib/ctrjs`; for an ordinary user
   * `$XDG_DATA_HOME/ctrjs`. Any number of runtimes with folders of their own live side by side.
   */
  readonly root?: string | undefined
  /** Folder of locks and other things that a reboot ends. Default `/run/ctrjs`, or `$XDG_RUNTIME_DIR/ctrjs`. */
  readonly state?: string | undefined
  /** How to reach registries: insecure ones, proxies, time-outs. */
  readonly registries?: RegistryClientOptions | undefined
  /** Which images are pulled, by their signatures. Default: all are. */
  readonly policy?: SignaturePolicy | undefined
  /**
   * Who makes the cgroups of containers: `cgroupfs` makes them at `/INSTANCE/ID`, `systemd` as scopes
   * `INSTANCE-ID.scope` in `system.slice`. Default as Docker: `systemd` where it is the init process and the host has
   * cgroup v2, else `cgroupfs`. Containers of both are found whichever it is.
   */
  readonly cgroupDriver?: CgroupDriver | undefined
  /**
   * The user namespace of containers that root starts, unless `run` is told another: `{ user: 'dockremap' }` is Docker's
   * `userns-remap`. Default `'host'`: none of their own.
   */
  readonly userNamespace?: UserNamespaceOption | undefined
  /**
   * Serve names also to running containers that other processes have started on networks of their own: for one that
   * stays, such as a daemon, which they then find again when it comes back. Default false.
   */
  readonly adoptNames?: boolean | undefined
  /**
   * How the layers of an image become the root of a container. Default `'overlay'`; for an ordinary user the best of
   * `'overlay'`, `'fuse-overlayfs'` and `'copy'` that this host has, which is tried out.
   */
  readonly storage?: MountStrategy | undefined
}

/**
 * Containers of one root folder. Any number of processes may have the same folder open at once.
 *
 * @example
 * await using runtime = await Runtime.open()
 * const container = await runtime.run({ image: 'busybox', command: ['echo', 'hello'], stdout: 'pipe' })
 */
export class Runtime implements AsyncDisposable {
  /** Images of this runtime. */
  readonly images: Images
  /** Files that outlive containers. */
  readonly volumes: VolumeStore
  /** What connects containers. */
  readonly networks: RuntimeNetworks
  /** What dead processes had left and could not be removed when the runtime was opened. Tried again by the next. */
  readonly failedCleanUps: readonly CleanUpFailure[]
  /** Folder of images, layers and containers. */
  readonly root: string
  /** Folder of what a reboot ends. */
  readonly state: string
  /** Set for an ordinary user's: what it can do here, and what not. */
  readonly rootless: RootlessInfo | undefined
  /** Who makes the cgroups of containers. */
  readonly cgroupDriver: CgroupDriver
  /** The user namespace of containers that root starts, where they ask for no other. */
  readonly userNamespace: UserNamespaceOption
  /** How the layers of an image become the root of a container. */
  readonly storage: MountStrategy
  readonly #context: Context
  readonly #started = new Set<Container>()
  /** Calls of `run` that are under way. */
  readonly #starting = new Set<Promise<Container>>()
  #closed = false

  private constructor(context: Context, failedCleanUps: readonly CleanUpFailure[]) {
    this.#context = context
    this.failedCleanUps = failedCleanUps
    this.images = context.images
    this.volumes = context.volumes
    this.networks = new RuntimeNetworks(context, (idOrName) => this.container(idOrName))
    this.rootless = rootlessInfo(context)
    this.root = context.folders.root
    this.state = context.folders.state
    this.cgroupDriver = context.cgroupDriver
    this.userNamespace = context.userNamespace
    this.storage = context.layers.strategy
  }

  /**
   * Opens a runtime, making its folders where they are missing, and cleans up after processes that were
   * killed: what they left half made is removed, detached containers go on.
   *
   * @throws `OverlayError`, `RegistryError`: a folder cannot be used; {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
   */
  static async open({
    root = defaultRoot(),
    state = defaultState(),
    registries = {},
    policy,
    cgroupDriver,
    userNamespace = 'host',
    adoptNames: adopts = false,
    storage,
  }: RuntimeOptions = {}): Promise<Runtime> {
    checkUserNamespace(userNamespace)
    const rootless = process.geteuid?.() === 0 ? undefined : await Rootless.open()
    if (rootless !== undefined && cgroupDriver === 'systemd') throw systemdNeedsRoot()
    if (rootless !== undefined && userNamespace !== 'host') throw userNamespaceNeedsRoot()
    const mode = rootless === undefined ? 0o711 : 0o700
    for (const folder of [root, state]) mkdirSync(folder, { recursive: true, mode })
    // what belongs to ids of one map means nothing in another
    const maps = rootless === undefined ? '' : `-${rootless.mapsName}`
    const ids = { userNamespace: rootless?.namespace }
    const folder = join(root, `overlay${maps}`)
    const found = await chooseStorage(folder, storage, rootless)
    const [layers, volumes, store] = await Promise.all([
      LayerStore.open(folder, { ...ids, durable: 'later', strategy: found.strategy }),
      VolumeStore.open(join(root, `volumes${maps}`), ids),
      ImageStore.open(join(root, 'images'), { sha256: () => new Sha256() }),
    ])
    const context = new Context(
      { root, state },
      { layers, volumes },
      { rootless, cgroupDriver, userNamespace, storage: found },
    )
    context.images = new Images(store, context, { client: registries, policy })
    try {
      const failures = await cleanUp(context)
      return new Runtime(context, adopts ? [...failures, ...(await adoptNames(context))] : failures)
    } catch (error) {
      await context.close()
      throw error
    }
  }

  /**
   * Makes a container and starts its program. Resolves when the program has been executed; when any step fails
   * nothing is left.
   *
   * @throws {@link RuntimeError}
   *   - `ERR_RUNTIME_INVALID_ARG`: an option, or a combination of options, that cannot be.
   *   - `ERR_RUNTIME_IMAGE_NOT_FOUND`: pull the image first.
   *   - `ERR_RUNTIME_COMMAND_NOT_FOUND`, `ERR_RUNTIME_COMMAND_NOT_EXECUTABLE`: exit codes 127 and 126.
   *   - `ERR_RUNTIME_PORT_TAKEN`: address already in use.
   *   - `ERR_RUNTIME_LIMIT`: a limit that the kernel refuses, or too little memory to start in.
   *   - `ERR_RUNTIME_NAME_TAKEN`, `ERR_RUNTIME_USER_NOT_FOUND`.
   *   - `ERR_RUNTIME_UNSUPPORTED`: the kernel is too old.
   *   - `ERR_RUNTIME_START`: any other step; `cause` names the system call, its arguments and errno.
   */
  async run(options: RunOptions): Promise<Container> {
    this.#checkOpen()
    return await this.#during(this.#run(options))
  }

  /**
   * Makes a container without starting its program: it has its root and its volumes, and keeps both over any number of
   * {@link start}s, until it is removed. It outlives this process.
   *
   * @throws {@link RuntimeError} as {@link run}.
   */
  async create(options: CreateContainerOptions): Promise<Container> {
    this.#checkOpen()
    return Container.found(this.#context, await createContainer(this.#context, options))
  }

  /**
   * Starts the program of a container that was made by {@link create}, for the first time or again, or of one that was
   * run detached and has ended. When it cannot be started the container stays as it was.
   *
   * @returns A new handle: streams and exit of this run.
   * @throws {@link RuntimeError} as {@link run}; `ERR_RUNTIME_RUNNING`; `ERR_RUNTIME_CONTAINER_NOT_FOUND`.
   */
  async start(idOrName: string, streams: StartContainerOptions = {}): Promise<Container> {
    this.#checkOpen()
    const { id } = this.#context.records.find(idOrName)
    return await this.#during(this.#context.changing.run(id, () => this.#startKept(id, streams)))
  }

  async #startKept(idOrName: string, streams: StartContainerOptions): Promise<Container> {
    const before = this.container(idOrName)
    await before.settled()
    const spec = await specOfKept(this.#context, before.inspect(), streams)
    const started = await startContainer(this.#context, spec)
    const container: Container = Container.started(this.#context, started, () =>
      this.#started.delete(container),
    )
    this.#started.delete(before)
    this.#started.add(container)
    return container
  }

  async #during(starting: Promise<Container>): Promise<Container> {
    this.#starting.add(starting)
    try {
      return await starting
    } finally {
      this.#starting.delete(starting)
    }
  }

  async #run(options: RunOptions): Promise<Container> {
    const { signal } = options
    const spec = await resolveSpec(this.#context, options)
    if (spec.image !== undefined) await this.images.unpack(spec.image, signal)
    const started = await startContainer(this.#context, spec)
    const abort = (): void => void container.remove({ force: true, volumes: true }).catch(() => undefined)
    const container: Container = Container.started(this.#context, started, () => {
      this.#started.delete(container)
      signal?.removeEventListener('abort', abort)
    })
    this.#started.add(container)
    signal?.addEventListener('abort', abort, { once: true })
    return container
  }

  /** Every system call of a container's set-up, in order, as text. Nothing is made or started. */
  async explain(options: RunOptions): Promise<string> {
    this.#checkOpen()
    const spec = await resolveSpec(this.#context, options)
    if (spec.image !== undefined) await this.images.unpack(spec.image, options.signal)
    return explainContainer(this.#context, spec)
  }

  /**
   * A container by id, beginning of an id, or name, whichever process made it.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CONTAINER_NOT_FOUND`.
   */
  container(idOrName: string): Container {
    this.#checkOpen()
    const record = this.#context.records.find(idOrName)
    return [...this.#started].find(({ id }) => id === record.id) ?? Container.found(this.#context, record)
  }

  /** All containers, oldest first, whichever process made them. */
  containers(): Container[] {
    this.#checkOpen()
    return this.#context.records.list().map(({ id }) => this.container(id))
  }

  /**
   * Removes every container, every network and the cgroups of this runtime. Images, layers and named volumes stay.
   * Detached containers are killed.
   */
  async reset(): Promise<void> {
    this.#checkOpen()
    for (const container of this.containers()) await container.remove({ force: true, volumes: true })
    for (const id of this.#context.records.ids()) {
      // what is left has a record that cannot be read
      await releaseRunning(this.#context, id)
      await removeFiles(this.#context, { id, rootId: null, userNamespace: null }, { anonymousVolumes: true })
      this.#context.records.removeDamaged(id) // its root goes when the runtime is opened next
    }
    if (this.#context.rootless === undefined) await this.#context.networks.removeAll()
    if (this.#context.hasCgroups) await removeParentCgroup(this.#context)
  }

  /**
   * Closes the runtime: those of its containers that still run and are not detached are killed and removed, for
   * nobody would read their streams. Detached ones go on; what has ended and was not removed stays, as do the
   * network and the images.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#starting)
    const running = [...this.#started].filter((container) => {
      const { status, detached } = container.inspect()
      return status === 'running' && !detached
    })
    const results = await Promise.allSettled(
      running.map((container) => container.remove({ force: true, volumes: true })),
    )
    for (const container of this.#started) container.letGo()
    await this.#context.close()
    const failures = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    )
    if (failures.length > 0)
      throw new AggregateError(failures, `cannot close the runtime: ${failures.map(String).join('; ')}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw new RuntimeError('ERR_RUNTIME_CLOSED', 'cannot use the runtime: it was closed')
  }
}

async function removeParentCgroup(context: Context): Promise<void> {
  try {
    await openCgroup(context.groupPath, { hierarchy: context.hierarchy }).remove()
  } catch (error) {
    if (!isCgroupError(error) || error.code !== 'ERR_CGROUP_NOT_FOUND') throw error
  }
}
