import { command } from '../command.js'
import { print } from '../output/write.js'
import type { ContainerEvent } from '../../cgroup/events.js'
import { eventText } from '../../cgroup/event-text.js'
import { parseDuration } from '../values/parse-duration.js'

export const events = command({
  name: 'events',
  summary: 'print statistics of a container, and what happens to it',
  usage: 'CONTAINER',
  description: 'One JSON object a line, until the container stops.',
  options: {
    interval: { type: 'string', value: 'TIME', help: 'time between statistics, such as 500ms (default 5s)' },
    stats: { type: 'boolean', help: 'print statistics once' },
  },
  arity: [1, 1],
  async run({ values: { interval = '5s', stats = false }, args: [id], program }) {
    const intervalMs = parseDuration('interval', interval)
    const container = (await program.open()).container(id!)
    if (stats) {
      printEvent({ type: 'stats', id: container.id, data: container.stats() })
      return 0
    }
    for await (const event of container.events({ intervalMs })) printEvent(event)
    return 0
  },
})

/** Fields in this order, which readers of lines count on. */
function printEvent(event: ContainerEvent): void {
  print(`${eventText(event)}\n`)
}
