import { collectDefaultMetrics, Registry } from 'prom-client'
import { fastify, type FastifyInstance } from 'fastify'
import type { Containers } from '../containers/containers.js'
import type { EventBus } from '../events/event-bus.js'
import { ContainerMetrics } from './container-metrics.js'
import { EngineMetrics } from './engine-metrics.js'

/** Figures are read at most so often, however many ask. */
const freshMs = 1000

/** What Prometheus is told of an engine, its process and its containers. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #containers: Containers
  readonly #engine: EngineMetrics
  readonly #figures: ContainerMetrics
  /** The last reading, or the one that is going on. */
  #page: Promise<string> | undefined
  #readAt = -Infinity

  constructor(of: { readonly containers: Containers; readonly events: EventBus }) {
    this.#containers = of.containers
    this.#engine = new EngineMetrics(this.#registry, of)
    this.#figures = new ContainerMetrics(this.#registry)
    collectDefaultMetrics({ register: this.#registry })
  }

  /** Takes the time of requests that come to a server of the API. */
  watch(app: FastifyInstance): void {
    this.#engine.watch(app)
  }

  /** All series, in the text format of Prometheus. */
  page(): Promise<string> {
    if (this.#page === undefined || performance.now() - this.#readAt > freshMs) {
      this.#readAt = Infinity // who asks meanwhile gets the same
      this.#page = this.#read().finally(() => (this.#readAt = performance.now()))
    }
    return this.#page
  }

  /** `GET /metrics` and nothing else, as a server that does not listen yet. */
  server(): FastifyInstance {
    const app = fastify({
      logger: false,
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 128 },
      http: { maxHeaderSize: 16 * 1024 },
    })
    app.server.maxConnections = 64
    app.get('/metrics', async (_request, reply) => {
      reply.type(this.#registry.contentType)
      return await this.page()
    })
    return app
  }

  async #read(): Promise<string> {
    this.#engine.update()
    await this.#figures.update(this.#containers.all())
    return await this.#registry.metrics()
  }
}
