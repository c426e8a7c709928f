import type { FastifyInstance } from 'fastify'
import { Runtime, type RuntimeOptions } from '@ctr/runtime'
import { Containers } from './containers/containers.js'
import { ExecSessions } from './containers/exec-sessions.js'
import type { ManagedContainer } from './containers/managed-container.js'
import { engineVersion } from './engine-version.js'
import { EventBus } from './events/event-bus.js'
import { Facts } from './facts.js'
import { listen } from './http/listen.js'
import { createServer } from './http/server.js'
import { EngineImages } from './images.js'

/** Where an engine lives and listens. */
export interface EngineOptions extends RuntimeOptions {
  /** Where clients reach it: `unix:///run/ctrjs/docker.sock`. Default: that, in the folder `state`. */
  readonly hosts?: readonly string[] | undefined
  /** Told of what no client is told: a container that could not be started again, a document that is damaged. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * The Docker Engine API over a {@link Runtime}: Docker's own clients work with it.
 *
 * Containers outlive it. The next engine of the same folders finds those that run running, and how the others have
 * ended.
 *
 * @example
 * await using engine = await Engine.start({ hosts: ['unix:///tmp/docker.sock'] })
 * // DOCKER_HOST=unix:///tmp/docker.sock docker run --rm busybox echo hello
 */
export class Engine implements AsyncDisposable {
  readonly runtime: Runtime
  readonly containers: Containers
  readonly execs = new ExecSessions()
  readonly events = new EventBus()
  readonly images: EngineImages
  readonly facts: Facts
  /** In ISO 8601. */
  readonly startedAt = new Date().toISOString()
  /** What it calls itself in answers. */
  readonly serverName = `ctr/${engineVersion} (linux)`
  /** Where it listens. */
  hosts: readonly string[] = []
  #servers: readonly FastifyInstance[] = []
  #closed: Promise<void> | undefined

  private constructor(runtime: Runtime, onError: (error: unknown) => void) {
    this.runtime = runtime
    this.containers = new Containers(runtime, this.events, onError)
    this.images = new EngineImages(runtime, this.events)
    this.facts = new Facts(runtime, this.containers)
  }

  /**
   * Opens the runtime, takes up containers that an earlier engine has left, and listens.
   *
   * @throws `ApiError` for a host that cannot be listened on, and what `Runtime.open` throws.
   */
  static async start({ hosts, onError = () => undefined, ...options }: EngineOptions = {}): Promise<Engine> {
    const runtime = await Runtime.open(options)
    const engine = new Engine(runtime, onError)
    try {
      await engine.containers.restore()
      await engine.#listen(hosts ?? [`unix://${runtime.state}/docker.sock`])
      return engine
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  /** Tells everybody of something that has happened to a container. */
  emitOf(
    { id, document }: ManagedContainer,
    action: string,
    attributes: Readonly<Record<string, string>>,
  ): void {
    const { body, name } = document
    this.events.emit('container', action, id, { ...body.Labels, image: body.Image, name, ...attributes })
  }

  /** Stops listening and ends all connections. Containers go on. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #listen(hosts: readonly string[]): Promise<void> {
    const servers: FastifyInstance[] = []
    this.#servers = servers
    for (const host of hosts) {
      const server = await createServer(this)
      servers.push(server)
      await listen(server, host)
    }
    this.hosts = hosts
  }

  async #close(): Promise<void> {
    await this.containers[Symbol.asyncDispose]()
    await Promise.all(this.#servers.map((server) => server.close()))
    await this.runtime.close()
  }
}
