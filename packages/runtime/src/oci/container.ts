import { statSync } from 'node:fs'
import type { Cgroup } from '@ctr/cgroups'
import type { ExitStatus } from '@ctr/linux'
import type { SpawnedProcess } from '@ctr/namespaces'
import { isRuntimeError, RuntimeError } from '../errors.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { execCgroup, isFrozen, openSavedCgroup } from './cgroup/container-cgroup.js'
import { containerEvents, type ContainerEvent, type EventOptions } from './cgroup/events.js'
import type { ContainerStats } from './cgroup/stats/container-stats.js'
import { containerStats } from './cgroup/stats/stats.js'
import type { Config, ConfigMount } from './config/config.js'
import type { ConfigResources } from './config/config-resources.js'
import type { CheckpointOptions } from './checkpoint/options.js'
import { ofSpawned, type ContainerProcess } from './container-process.js'
import type { OciContext } from './context.js'
import { givenFds } from './given-fds.js'
import type { LiveContainer } from './live-mounts.js'
import { makesNew } from './namespaces.js'
import type { ExecOptions } from './exec.js'
import { signalContainer } from './signal.js'
import type { Started, StartOptions } from './start.js'
import type { ContainerState } from './state/container-state.js'
import { ownerName } from './state/owner-name.js'
import { containerStatus, ociState, openInit, type ContainerStatus, type OciState } from './state/status.js'
import type { RdtUpdate } from './update.js'

/** A container of an OCI runtime, made by this program or another. */
export class OciContainer implements ContainerProcess {
  readonly id: string
  readonly #context: OciContext
  readonly #own: { readonly process: SpawnedProcess; readonly terminal: TerminalStream | null } | undefined

  /** @internal */
  constructor(
    context: OciContext,
    id: string,
    own?: { readonly process: SpawnedProcess; readonly terminal: TerminalStream | null },
  ) {
    this.id = id
    this.#context = context
    this.#own = own
  }

  /** Absolute path of its bundle. */
  get bundle(): string {
    return this.#load().bundle
  }

  /** Absolute path of its root file system on the host. */
  get rootfs(): string {
    return this.#load().rootfs
  }

  /** When it was made, in RFC 3339. */
  get created(): string {
    return this.#load().created
  }

  /** Name of the user who made it. */
  get owner(): string {
    return ownerName(statSync(this.#context.store.folder(this.id)).uid)
  }

  /** Process id of its first process on the host; 0 when it has ended. */
  get pid(): number {
    return this.state().pid
  }

  /** Our side of its terminal, where this program has made it with one. */
  get terminal(): TerminalStream | null {
    return this.#own?.terminal ?? null
  }

  /** The config that it was made from, with what updates have changed. */
  config(): Config {
    return this.#context.config(this.id)
  }

  /** What it does now, as the spec has it (runtime.md, state). */
  state(): OciState {
    const state = this.#load()
    return ociState(state, this.#status(state))
  }

  /**
   * Lets its process execute its command.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`, `ERR_RUNTIME_RUNNING`: it is not waiting to be started;
   *   `ERR_RUNTIME_HOOK`: a hook has failed, and the container is gone, as the life cycle of the specification has it;
   *   `ERR_RUNTIME_COMMAND_NOT_FOUND`, `ERR_RUNTIME_COMMAND_NOT_EXECUTABLE`.
   */
  async start(options: StartOptions = {}): Promise<Started> {
    const { startContainer } = await import('./start.js')
    let state: ContainerState | undefined
    try {
      using container = await this.#context.store.lock(this.id)
      state = this.#load()
      const found = { state, config: this.config(), status: this.#status(state) }
      return await startContainer(this.#context, container, found, options)
    } catch (error) {
      if (isRuntimeError(error) && error.code === 'ERR_RUNTIME_HOOK') await this.#destroy(state!)
      throw error
    }
  }

  /**
   * Resolves when its first process has ended.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: this program did not make it.
   */
  wait(): Promise<ExitStatus> {
    if (this.#own !== undefined) return this.#own.process.wait()
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot wait for container ${this.id}: another program has made it`,
    )
  }

  /**
   * Sends a signal to its first process, or with `all` to every one. Where it shares the pid namespace of others,
   * SIGKILL goes to all of its processes: there they would outlive the first.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`.
   */
  kill(signal: number, { all = false }: { readonly all?: boolean } = {}): void {
    const state = this.#load()
    signalContainer(
      {
        state,
        cgroup: this.#cgroup(state),
        paused: this.#status(state) === 'paused',
        ownPids: makesNew(this.config().linux, 'pid'),
      },
      signal,
      all,
    )
  }

  /**
   * Removes it with everything that was made for it.
   *
   * @param options.force - Kill it first when it runs.
   * @throws {@link RuntimeError} `ERR_RUNTIME_RUNNING`: it runs.
   */
  async delete({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    const { deleteContainer } = await import('./delete.js')
    await deleteContainer(this.#context, this.id, force)
  }

  /**
   * Executes one more process in it.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`: it has stopped, or is paused.
   */
  async exec(options: ExecOptions): Promise<ContainerProcess> {
    const given = givenFds(options.preserveFds ?? 0) // before we open any
    const state = this.#load()
    const status = this.#status(state)
    using init = openInit(state)
    if (init === undefined) {
      throw new RuntimeError('ERR_RUNTIME_NOT_RUNNING', 'cannot exec in a stopped container')
    }
    if (status === 'paused' && options.ignorePaused !== true) {
      throw new RuntimeError(
        'ERR_RUNTIME_NOT_RUNNING',
        'cannot exec in a paused container (use --ignore-paused to override)',
      )
    }
    const own = this.#cgroup(state)
    const cgroup = own === undefined ? undefined : execCgroup(own, options.cgroup ?? [])
    const { executeIn } = await import('./exec.js')
    const { process, terminal } = await executeIn(
      this.#context,
      { state, config: this.config(), init, cgroup },
      { ...options, given },
    )
    return ofSpawned(process, terminal)
  }

  /**
   * Mounts in it while it runs, as the mounts of a config: binds and new file systems.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`; `ERR_RUNTIME_START`, `ERR_RUNTIME_CONFIG`: what was
   *   mounted before the one that fails is taken away again.
   */
  async addMounts(mounts: readonly ConfigMount[]): Promise<void> {
    const { addMounts } = await import('./live-mounts.js')
    await this.#withMounts((live) => addMounts(live, mounts))
  }

  /**
   * Takes mounts away while it runs, the last one first.
   *
   * @param destinations - Paths in it.
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`; `ERR_RUNTIME_START`: nothing is mounted there.
   */
  async removeMounts(destinations: readonly string[]): Promise<void> {
    const { removeMounts } = await import('./live-mounts.js')
    await this.#withMounts((live) => removeMounts(live, destinations))
  }

  /** Ids on the host of all its processes. */
  processes(): readonly number[] {
    const state = this.#load()
    return this.#cgroup(state)?.processes() ?? (state.pid === null ? [] : [state.pid])
  }

  /** Stops all its processes where they are. */
  async pause(): Promise<void> {
    const state = this.#load()
    const status = this.#status(state)
    if (status !== 'running' && status !== 'created') {
      throw new RuntimeError(
        'ERR_RUNTIME_NOT_RUNNING',
        `cannot pause container ${this.id}: container not running or created: ${status}`,
      )
    }
    await this.#needCgroup(state).freeze()
  }

  /** Lets them go on. */
  async resume(): Promise<void> {
    const state = this.#load()
    if (this.#status(state) !== 'paused') {
      throw new RuntimeError(
        'ERR_RUNTIME_NOT_RUNNING',
        `cannot resume container ${this.id}: container not paused`,
      )
    }
    await this.#needCgroup(state).thaw()
  }

  /**
   * Changes limits; what is not given stays.
   *
   * @param rdt - Lines for `schemata` of its class of resources (Intel RDT).
   */
  async update(resources: ConfigResources, rdt: RdtUpdate = {}): Promise<void> {
    using container = await this.#context.store.lock(this.id)
    const state = this.#load()
    if (this.#status(state) === 'stopped') {
      throw new RuntimeError(
        'ERR_RUNTIME_NOT_RUNNING',
        `cannot update container ${this.id}: container not running`,
      )
    }
    const { updateContainer } = await import('./update.js')
    const { hierarchy } = this.#context
    const cgroup = this.#needCgroup(state)
    await updateContainer({ container, state, config: this.config(), cgroup, hierarchy }, resources, rdt)
  }

  /** What it uses, in the form of the `events` command of OCI runtimes. */
  stats(): ContainerStats {
    return containerStats(this.#runningCgroup())
  }

  /** Statistics each `intervalMs`, and each time it had no memory left, until it stops. */
  events(options: EventOptions): AsyncIterable<ContainerEvent> {
    return containerEvents(this.#runningCgroup(), this.id, options)
  }

  /**
   * Saves all its processes with CRIU. Afterwards it is gone, unless it is left running.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CRIU`, `ERR_RUNTIME_CHECKPOINT`, `ERR_RUNTIME_NOT_RUNNING`.
   */
  async checkpoint(options: CheckpointOptions): Promise<void> {
    const state = this.#load()
    if (state.pid === null || this.#status(state) === 'stopped') {
      throw new RuntimeError(
        'ERR_RUNTIME_NOT_RUNNING',
        `container ${this.id} is not running: it cannot be checkpointed`,
      )
    }
    const { checkpoint } = await import('./checkpoint/checkpoint.js') // with what speaks to CRIU
    const { pid, rootfs, externalDescriptors } = state
    const cgroup = this.#cgroup(state)
    const freezer = cgroup?.folder('freezer')
    await checkpoint({ config: this.config(), rootfs, pid, freezer, externalDescriptors }, options)
    if (options.leaveRunning !== true && options.preDump !== true) await this.delete({ force: true })
  }

  /** The error that made it necessary is the one to be told. */
  async #destroy(state: ContainerState): Promise<void> {
    try {
      const { deleteContainer } = await import('./delete.js')
      await deleteContainer(this.#context, this.id, true, state)
    } catch (error) {
      if (isRuntimeError(error) && error.code === 'ERR_RUNTIME_CONTAINER_NOT_FOUND') return // by somebody else
      this.#context.log.warn(`cannot delete container ${this.id}: ${(error as Error).message}`)
    }
  }

  async #withMounts(change: (live: LiveContainer) => Promise<void>): Promise<void> {
    using _locked = await this.#context.store.lock(this.id)
    const state = this.#load()
    using init = openInit(state)
    if (init === undefined) {
      throw new RuntimeError(
        'ERR_RUNTIME_NOT_RUNNING',
        `cannot change mounts of container ${this.id}: it has stopped`,
      )
    }
    await change({ config: this.config(), bundle: state.bundle, pid: state.pid!, init })
  }

  #load(): ContainerState {
    return this.#context.store.load(this.id)
  }

  #status(state: ContainerState): ContainerStatus {
    const { store } = this.#context
    return containerStatus(state, {
      folder: store.folder(this.id),
      frozen: () => isFrozen(state.cgroupPaths, this.#context.hierarchy),
      busy: () => store.isBusy(this.id),
    })
  }

  #cgroup(state: ContainerState): Cgroup | undefined {
    return openSavedCgroup(state.cgroupPaths, this.#context.hierarchy)
  }

  #runningCgroup(): Cgroup {
    const state = this.#load()
    if (this.#status(state) !== 'stopped') return this.#needCgroup(state)
    throw new RuntimeError('ERR_RUNTIME_NOT_RUNNING', `container with id ${this.id} is not running`)
  }

  #needCgroup(state: ContainerState): Cgroup {
    const cgroup = this.#cgroup(state)
    if (cgroup !== undefined) return cgroup
    throw new RuntimeError('ERR_RUNTIME_INVALID_ARG', `container ${this.id} has no cgroup`)
  }
}
