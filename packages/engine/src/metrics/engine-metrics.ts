import { arch, cpus, release, totalmem } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Containers } from '../containers/containers.js'
import { engineVersion } from '../engine-version.js'
import type { EventBus } from '../events/event-bus.js'

/** Requests that dockerd counts as actions on containers. */
const actions: Readonly<Record<string, string>> = {
  'POST /containers/create': 'create',
  'POST /containers/:id/start': 'start',
  'DELETE /containers/:id': 'delete',
  'POST /commit': 'commit',
  'GET /containers/:id/changes': 'changes',
}

/** What dockerd tells of itself, under its names. */
export class EngineMetrics {
  readonly #containers: Containers
  readonly #events: EventBus
  readonly #states: Gauge
  readonly #subscribers: Gauge
  readonly #actions: Histogram

  constructor(registry: Registry, { containers, events }: { containers: Containers; events: EventBus }) {
    this.#containers = containers
    this.#events = events
    const registers = [registry]
    new Gauge({
      name: 'engine_daemon_engine_info',
      help: 'The engine and the host that it runs on.',
      labelNames: ['version', 'architecture', 'kernel', 'os_type'],
      registers,
    }).set({ version: engineVersion, architecture: arch(), kernel: release(), os_type: 'linux' }, 1)
    new Gauge({
      name: 'engine_daemon_engine_cpus_cpus',
      help: 'Processors of the host.',
      registers,
    }).set(cpus().length)
    new Gauge({
      name: 'engine_daemon_engine_memory_bytes',
      help: 'Memory of the host.',
      registers,
    }).set(totalmem())
    this.#states = new Gauge({
      name: 'engine_daemon_container_states_containers',
      help: 'Containers by what they are doing.',
      labelNames: ['state'],
      registers,
    })
    this.#subscribers = new Gauge({
      name: 'engine_daemon_events_subscribers_total',
      help: 'Clients that follow events.',
      registers,
    })
    this.#actions = new Histogram({
      name: 'engine_daemon_container_actions_seconds',
      help: 'How long requests on containers took.',
      labelNames: ['action'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    })
    for (const action of Object.values(actions)) this.#actions.zero({ action })
    const told = new Counter({
      name: 'engine_daemon_events_total',
      help: 'Events that were told of.',
      registers,
    })
    events.listen(() => told.inc())
    const probes = new Counter({
      name: 'engine_daemon_health_checks_total',
      help: 'Health probes that have ended.',
      registers,
    })
    const failed = new Counter({
      name: 'engine_daemon_health_checks_failed_total',
      help: 'Those that have failed.',
      registers,
    })
    containers.onProbe = (isWell) => {
      probes.inc()
      if (!isWell) failed.inc()
    }
  }

  /** Counts what is as it is now. */
  update(): void {
    const states = { running: 0, paused: 0, stopped: 0 }
    for (const { status } of this.#containers.all()) {
      if (status === 'running' || status === 'paused') states[status]++
      else states.stopped++
    }
    for (const [state, count] of Object.entries(states)) this.#states.set({ state }, count)
    this.#subscribers.set(this.#events.listeners - 1) // without our own
  }

  /** Takes the time of requests that come to a server. */
  watch(app: FastifyInstance): void {
    app.addHook('onResponse', (request, reply, done) => {
      const action = actions[`${request.method} ${request.routeOptions.url}`]
      if (action !== undefined && reply.statusCode < 400)
        this.#actions.observe({ action }, reply.elapsedTime / 1000)
      done()
    })
  }
}
