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
  readonly execs = new ExecSessions()
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
    this.images = new EngineImages(runtime, this.events)
    this.disk = new DiskUsage(runtime, this.containers, this.sizes)
    this.facts = new Facts(runtime, this.containers, options.log)
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
