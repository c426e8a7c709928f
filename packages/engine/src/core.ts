import type { Runtime } from '@ctr/runtime'
import { Containers } from './containers/containers.js'
import { ExecSessions } from './containers/exec-sessions.js'
import type { ManagedContainer } from './containers/managed-container.js'
import { ContainerSizes } from './disk/container-sizes.js'
import { DiskUsage } from './disk/disk-usage.js'
import { engineVersion } from './engine-version.js'
import { EventBus } from './events/event-bus.js'
import { Facts } from './facts.js'
import { EngineImages } from './images.js'
import type { LogConfig } from './logs/log-config.js'
import type { Metrics } from './metrics/metrics.js'

/** What an engine has, and its routes work with. */
export class EngineCore {
  readonly runtime: Runtime
  readonly containers: Containers
  readonly execs: ExecSessions
  readonly events = new EventBus()
  readonly images: EngineImages
  readonly facts: Facts
  readonly sizes = new ContainerSizes()
  readonly disk: DiskUsage
  /** In ISO 8601. */
  readonly startedAt = new Date().toISOString()
  /** What it calls itself in answers. */
  readonly serverName = `ctr/${engineVersion} (linux)`
  /** For Prometheus; only where it is asked for. */
  metrics: Metrics | undefined
  /** Where it listens. */
  hosts: readonly string[] = []

  constructor(
    runtime: Runtime,
    options: { readonly onError: (error: unknown) => void; readonly log: LogConfig },
  ) {
    this.runtime = runtime
    this.containers = new Containers(runtime, this.events, options)
    this.execs = new ExecSessions({
      ended: ({ id, container }, exitCode) =>
        this.emitOf(container, 'exec_die', { execID: id, exitCode: String(exitCode) }),
      onError: options.onError,
    })
    this.images = new EngineImages(runtime, this.events)
    this.disk = new DiskUsage(runtime, this.containers, this.sizes)
    this.facts = new Facts(runtime, this.containers, options.log)
  }

  /** Takes up what an earlier daemon has left. */
  async restore(): Promise<void> {
    await this.containers.restore()
    for (const container of this.containers.all()) if (container.isRunning) this.execs.takeUp(container)
  }

  /** The daemon ends: containers, and what runs in them, go on. */
  async letGo(): Promise<void> {
    this.execs.letGo()
    await this.containers[Symbol.asyncDispose]()
  }

  /** Tells everybody of something that has happened to a container. */
  emitOf(
    { id, document, handle }: ManagedContainer,
    action: string,
    attributes: Readonly<Record<string, string>>,
  ): void {
    const { body, name } = document
    const { labels } = handle.inspect()
    this.events.emit('container', action, id, { ...labels, image: body.Image, name, ...attributes })
  }
}
