import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CreateContainerOptions, Runtime } from '@ctr/runtime'
import { ApiError, badRequest, messageOf } from '../errors.js'
import { emitUse } from '../events/emit-use.js'
import type { EventBus } from '../events/event-bus.js'
import { hostLimits, type HostLimits } from '../host-limits.js'
import type { CreateBody, HostConfig } from '../http/schemas/create-container.js'
import { resolveLogConfig, type LogConfig } from '../logs/log-config.js'
import { openLog } from '../logs/open-log.js'
import type { ContainerDocument } from '../state/container-document.js'
import { DocumentStore } from '../state/document-store.js'
import { mergeHealthcheck } from '../health/health-check.js'
import { checkLimits } from '../translate/check-limits.js'
import { checkNetworkMode } from '../translate/check-network-mode.js'
import { createOptions } from '../translate/create-options.js'
import { linkedNames } from '../translate/links.js'
import { missingImage } from '../translate/missing-image.js'
import { linksOf } from '../translate/parse-links.js'
import { refuseStopped, sharedContainers } from '../translate/shared-containers.js'
import { volumesFrom } from '../translate/volumes.js'
import type { ContainerContext } from './container-context.js'
import { ManagedContainer } from './managed-container.js'
import { randomName } from './random-name.js'
import { checkRestartPolicy, wantsRestartAtBoot } from './restart-policy.js'

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** All containers of the engine. */
export class Containers implements AsyncDisposable {
  readonly #all = new Map<string, ManagedContainer>()
  /** Names of containers that are being made. */
  readonly #claimed = new Set<string>()
  readonly #context: ContainerContext
  readonly #runtime: Runtime
  readonly #logDefaults: LogConfig
  /** Told of every health probe that has ended. */
  onProbe: ((isWell: boolean) => void) | undefined
  #closing = false
  #hostLimits: HostLimits | undefined

  constructor(
    runtime: Runtime,
    events: EventBus,
    { onError, log }: { readonly onError: (error: unknown) => void; readonly log: LogConfig },
  ) {
    this.#runtime = runtime
    this.#logDefaults = log
    const logs = join(runtime.root, 'engine', 'logs')
    const pipes = join(runtime.state, 'engine', 'pipes')
    const probes = join(runtime.state, 'engine', 'probes')
    for (const folder of [logs, pipes, probes]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#context = {
      runtime,
      documents: new DocumentStore<ContainerDocument>(join(runtime.root, 'engine', 'containers'), onError),
      pipesFolder: (id) => join(pipes, id),
      probePath: (id) => join(probes, id),
      openLog: (type, source) => openLog(type, source, { folder: join(logs, source.id), onError }),
      emitVolume: (action, name) => events.emit('volume', action, name, { driver: 'local' }),
      emitUse: (container, begins) => emitUse(container, begins, { runtime, events }),
      emit: ({ id, name, document, handle }, action, attributes) =>
        events.emit('container', action, id, {
          ...handle.inspect().labels,
          image: document.body.Image,
          name,
          ...attributes,
        }),
      probed: (isWell) => this.onProbe?.(isWell),
      linkedNames: (id) => {
        const [container, find] = [this.get(id), (wanted: string) => this.get(wanted)]
        refuseStopped(container.document.body, find)
        return linkedNames(container, find)
      },
      forget: ({ id }) => {
        this.#all.delete(id)
        if (existsSync(join(logs, id))) rmSync(join(logs, id), { recursive: true, force: true })
        this.#context.documents.remove(id)
      },
      onError,
      isClosing: () => this.#closing,
    }
  }

  /** Takes up what an earlier daemon has left, running or not. */
  async restore(): Promise<void> {
    const { documents, quarantined } = await this.#context.documents.load()
    for (const { path, error } of quarantined)
      this.#context.onError(
        new Error(`cannot read the document of a container: it is now ${path}`, { cause: error }),
      )
    const known = new Map(this.#runtime.containers().map((container) => [container.id, container]))
    for (const document of documents) {
      const handle = known.get(document.id)
      if (handle === undefined) {
        this.#context.documents.remove(document.id) // killed while it was made or removed
        continue
      }
      const container = new ManagedContainer(this.#context, document, handle)
      this.#all.set(document.id, container)
      await this.#restoreOne(container)
    }
    for (const id of readdirSync(join(this.#runtime.root, 'engine', 'logs')))
      if (!this.#all.has(id))
        rmSync(join(this.#runtime.root, 'engine', 'logs', id), { recursive: true, force: true })
  }

  /** Makes a container. */
  async create(
    body: CreateBody,
    wantedName: string | undefined,
    platform: string | undefined,
  ): Promise<ManagedContainer> {
    const name = wantedName ?? randomName((candidate) => this.#hasName(candidate))
    this.#checkName(name)
    this.#claimed.add(name)
    try {
      const LogConfig = resolveLogConfig(body.HostConfig?.LogConfig, this.#logDefaults)
      const HostConfig = this.#withSwap({ ...body.HostConfig, LogConfig })
      return await this.#make({ ...body, HostConfig }, { name, platform })
    } finally {
      this.#claimed.delete(name)
    }
  }

  /** @throws `ApiError` 409 when another container has the name. */
  rename(container: ManagedContainer, name: string): void {
    if (name === container.name)
      throw badRequest('Renaming a container with the same name as its current name')
    this.#checkName(name)
    container.rename(name)
  }

  /**
   * A container by id, name, or the beginning of an id.
   *
   * @throws `ApiError` 404, or 400 when several begin so.
   */
  get(wanted: string): ManagedContainer {
    const name = wanted.startsWith('/') ? wanted.slice(1) : wanted
    const exact = this.#all.get(wanted) ?? this.all().find((container) => container.name === name)
    if (exact !== undefined) return exact
    const found = /^[0-9a-f]+$/.test(wanted) ? this.all().filter(({ id }) => id.startsWith(wanted)) : []
    if (found.length > 1) throw badRequest(`multiple IDs found with provided prefix: ${wanted}`)
    if (found.length === 0) throw new ApiError(404, `No such container: ${wanted}`)
    return found[0]!
  }

  /** The newest first, as Docker lists them. */
  all(): ManagedContainer[] {
    return [...this.#all.values()]
      .reverse()
      .sort((a, b) => b.document.created.localeCompare(a.document.created))
  }

  /** Containers go on without the daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#all.values()].map((container) => container.letGo()))
    await this.#context.documents.settled()
  }

  async #restoreOne(container: ManagedContainer): Promise<void> {
    const { status, exit } = container.handle.inspect()
    const { document } = container
    if (status === 'running') {
      document.startedAt ??= new Date().toISOString()
      container.takeUp()
      return
    }
    if (container.hasNewEnd) {
      await container.noteEnd(exit)
      this.#context.emit(container, 'die', { exitCode: String(document.exitCode) })
    }
    const { HostConfig } = document.body
    if (wantsRestartAtBoot(HostConfig ?? {}, document.stopped) && status === 'exited')
      container.start().catch((error: unknown) => this.#context.onError(error))
    else if (HostConfig?.AutoRemove === true && status === 'exited')
      container.remove({ force: true, volumes: true }).catch((error: unknown) => this.#context.onError(error))
  }

  async #make(
    body: CreateBody,
    { name, platform }: { readonly name: string; readonly platform: string | undefined },
  ): Promise<ManagedContainer> {
    const image = await this.#runtime.images.get(body.Image, { platform }).catch((error: unknown) => {
      if ((error as { readonly code?: unknown }).code !== 'ERR_RUNTIME_IMAGE_NOT_FOUND') throw error
      throw missingImage(body.Image, error)
    })
    const id = randomBytes(32).toString('hex')
    const document: ContainerDocument = {
      id,
      name,
      created: new Date().toISOString(),
      body,
      imageId: image.id,
      startedAt: null,
      finishedAt: null,
      endedRun: null,
      exitCode: 0,
      oomKilled: false,
      error: '',
      restartCount: 0,
      stopped: false,
      healthcheck: mergeHealthcheck(body.Healthcheck, image.config.config.Healthcheck),
      shell: image.config.config.Shell ?? null,
      health: null,
    }
    for (const { name: linked } of linksOf(body)) this.#existing(linked)
    sharedContainers(body, (wanted) => this.#existing(wanted))
    const volumes = volumesFrom(body, (wanted) => this.#existing(wanted).handle)
    checkRestartPolicy(body.HostConfig ?? {})
    checkLimits(body.HostConfig ?? {})
    checkNetworkMode(body)
    const options = { ...createOptions(body, image, { id, name, volumes }), platform }
    // first the document: one without a container is removed at the next start, a container without one is nobody's
    this.#context.documents.save(id, document)
    try {
      const isThere = presentVolumes(this.#runtime, options)
      const container = new ManagedContainer(this.#context, document, await this.#runtime.create(options))
      this.#all.set(id, container)
      for (const volume of container.handle.inspect().volumes)
        if (!isThere.has(volume.name)) this.#context.emitVolume('create', volume.name)
      this.#context.emit(container, 'create', {})
      return container
    } catch (error) {
      this.#context.documents.remove(id)
      throw error
    }
  }

  /** Not by the status of a missing image: clients would pull it. */
  #existing(wanted: string): ManagedContainer {
    try {
      return this.get(wanted)
    } catch (cause) {
      throw new ApiError(400, `could not get container for ${wanted}: ${messageOf(cause)}`, { cause })
    }
  }

  #checkName(name: string): void {
    if (!namePattern.test(name))
      throw badRequest(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
    const other = this.all().find((container) => container.name === name)
    if (other !== undefined || this.#claimed.has(name)) {
      throw new ApiError(
        409,
        `Conflict. The container name "/${name}" is already in use by container "${other?.id ?? 'that is being created'}". You have to remove (or rename) that container to be able to reuse that name.`,
      )
    }
  }

  /** As Docker: who limits memory alone has as much swap again. */
  #withSwap(host: HostConfig): HostConfig {
    const { Memory, MemorySwap } = host
    if (Memory == null || Memory <= 0 || (MemorySwap ?? 0) !== 0) return host
    this.#hostLimits ??= hostLimits()
    return this.#hostLimits.hasSwap ? { ...host, MemorySwap: 2 * Memory } : host
  }

  #hasName(name: string): boolean {
    return this.#claimed.has(name) || this.all().some((container) => container.name === name)
  }
}

/** Which of the volumes that a container asks for are there. */
function presentVolumes({ volumes }: Runtime, options: CreateContainerOptions): ReadonlySet<string> {
  const names = (options.volumes ?? []).flatMap((one) => (one.source === undefined ? (one.volume ?? []) : []))
  return new Set(names.filter((name) => volumes.get(name) !== undefined))
}
