import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { userState } from '../default-folders.js'
import { isRuntimeError } from '../errors.js'
import { OciContainer } from './container.js'
import { OciContext, type CgroupManager } from './context.js'
import type { CreateOptions } from './create.js'
import type { RestoreOptions } from './restore.js'
import type { ExplainOptions } from './explain.js'
import { noLog, type Log } from './log.js'
import { StateStore } from './state/state-store.js'

/** Settings of {@link OciRuntime.open}. */
export interface OciRuntimeOptions {
  /** State folder, absolute. Default `/run/ctr-runtime`; without privileges below `XDG_RUNTIME_DIR`. */
  readonly root?: string | undefined
  /** Who makes the cgroups of containers. Default `cgroupfs`. */
  readonly cgroupManager?: CgroupManager | undefined
  /** Whether cgroups that we may not write to are left out: `auto` as a user without privileges. */
  readonly rootless?: boolean | 'auto' | undefined
  /** Where warnings go. Default: nowhere. */
  readonly log?: Log | undefined
}

/**
 * An OCI runtime: makes containers from bundles, and finds those that other programs have made in the same state
 * folder.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/runtime.md}
 *
 * @example
 * const runtime = OciRuntime.open({ root: '/run/example' })
 * const container = await runtime.create('box', { bundle: '/path/of/bundle' })
 * await container.start()
 * const { exitCode } = await container.wait()
 * await container.delete()
 */
export class OciRuntime {
  readonly #context: OciContext

  private constructor(context: OciContext) {
    this.#context = context
  }

  /** Opens the runtime of a state folder. Nothing is made. */
  static open({
    root,
    cgroupManager = 'cgroupfs',
    rootless = 'auto',
    log = noLog,
  }: OciRuntimeOptions = {}): OciRuntime {
    const unprivileged = rootless === 'auto' ? process.geteuid?.() !== 0 : rootless
    const store = StateStore.open(root ?? defaultRoot(unprivileged))
    return new OciRuntime(new OciContext({ store, cgroupManager, rootless: unprivileged, log }))
  }

  /**
   * Makes a container from a bundle. Its process waits until `start`.
   *
   * @throws {@link RuntimeError} Whatever step fails, nothing is left.
   */
  async create(id: string, options: CreateOptions): Promise<OciContainer> {
    const { createContainer } = await import('./create.js')
    const created = await createContainer(this.#context, id, options)
    return new OciContainer(this.#context, id, created)
  }

  /**
   * Makes a container from the images of a checkpoint; its processes go on where they were.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CRIU`, `ERR_RUNTIME_CHECKPOINT`, and as `create`.
   */
  async restore(id: string, options: RestoreOptions): Promise<OciContainer> {
    const { restoreContainer } = await import('./restore.js')
    return new OciContainer(this.#context, id, await restoreContainer(this.#context, id, options))
  }

  /**
   * A container by its id.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CONTAINER_NOT_FOUND`, `ERR_RUNTIME_INVALID_ARG`.
   */
  container(id: string): OciContainer {
    try {
      this.#context.store.load(id)
    } catch (error) {
      // one whose maker was killed before it wrote the record can be removed by force
      const exists = (): boolean => existsSync(this.#context.store.folder(id))
      const code = isRuntimeError(error) ? error.code : undefined
      if (code !== 'ERR_RUNTIME_STATE' && !(code === 'ERR_RUNTIME_CONTAINER_NOT_FOUND' && exists()))
        throw error
    }
    return new OciContainer(this.#context, id)
  }

  /**
   * The set-up of a container as text: every system call that makes it from its bundle. Nothing is made.
   *
   * @throws {@link RuntimeError} As `create`, for what is wrong with the bundle.
   */
  async explain(options: ExplainOptions): Promise<string> {
    const { explainBundle } = await import('./explain.js')
    return explainBundle(this.#context, options)
  }

  /** All containers whose record can be read. */
  list(): OciContainer[] {
    return this.#context.store.list().flatMap(({ id, state }) => {
      if (!isRuntimeError(state)) return [new OciContainer(this.#context, id)]
      this.#context.log.warn(`cannot list container ${id}: ${state.message}`)
      return []
    })
  }
}

function defaultRoot(unprivileged: boolean): string {
  return join(unprivileged ? userState() : '/run', 'ctr-runtime')
}
