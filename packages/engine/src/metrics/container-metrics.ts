import { setImmediate as nextTurn } from 'node:timers/promises'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { ManagedContainer } from '../containers/managed-container.js'
import { containerSeries, type ContainerSeries, type Figures } from './container-series.js'

/** Labels that every series of a container has: cAdvisor's, and those by which Compose's applications are told apart. */
const project = 'com.docker.compose.project'
const service = 'com.docker.compose.service'
const labelNames = [
  'id',
  'name',
  'image',
  'container_label_com_docker_compose_project',
  'container_label_com_docker_compose_service',
]

/** So many containers are read before others have their turn of the event loop. */
const atOnce = 16

/** Figures of the running containers, as series. */
export class ContainerMetrics {
  readonly #series: readonly { readonly of: ContainerSeries; readonly metric: Counter | Gauge }[]
  readonly #startTime: Gauge
  readonly #lastSeen: Gauge

  constructor(registry: Registry) {
    const registers = [registry]
    this.#series = containerSeries.map((of) => {
      const options = {
        name: of.name,
        help: of.help,
        labelNames: [...labelNames, ...(of.labels ?? [])],
        registers,
      }
      return { of, metric: of.type === 'counter' ? new Counter(options) : new Gauge(options) }
    })
    this.#startTime = new Gauge({
      name: 'container_start_time_seconds',
      help: 'When it was started, in seconds since 1970.',
      labelNames,
      registers,
    })
    this.#lastSeen = new Gauge({
      name: 'container_last_seen',
      help: 'When these figures were read, in seconds since 1970.',
      labelNames,
      registers,
    })
  }

  /** Reads the figures of containers, each once, and replaces what was there. */
  async update(containers: readonly ManagedContainer[]): Promise<void> {
    const read: { readonly container: ManagedContainer; readonly figures: Figures; readonly at: number }[] =
      []
    for (const [index, container] of containers.entries()) {
      if (index % atOnce === atOnce - 1) await nextTurn()
      const figures = figuresOf(container)
      if (figures !== undefined) read.push({ container, figures, at: Date.now() })
    }
    for (const metric of [...this.#series.map(({ metric }) => metric), this.#startTime, this.#lastSeen])
      metric.reset()
    for (const { container, figures, at } of read) {
      const labels = labelsOf(container)
      this.#lastSeen.set(labels, at / 1000)
      this.#startTime.set(labels, Date.parse(container.document.startedAt ?? '') / 1000)
      for (const { of, metric } of this.#series) {
        for (const { labels: more, value } of of.read(figures))
          if (value !== undefined) metric.inc({ ...labels, ...more }, value)
      }
    }
  }
}

function figuresOf(container: ManagedContainer): Figures | undefined {
  if (!container.isRunning) return undefined
  try {
    return container.handle.stats()
  } catch {
    return undefined // it has just ended
  }
}

function labelsOf({ id, name, document, handle }: ManagedContainer): Record<string, string> {
  const { labels } = handle.inspect()
  return {
    id: `/docker/${id}`,
    name,
    image: document.body.Image,
    container_label_com_docker_compose_project: labels[project] ?? '',
    container_label_com_docker_compose_service: labels[service] ?? '',
  }
}
