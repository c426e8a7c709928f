import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { ManagedContainer } from '../../containers/managed-container.js'
import type { EngineCore } from '../../core.js'
import { readStats, statsDocument, type StatsReading } from '../../translate/stats.js'
import { JsonLines } from '../json-lines.js'
import { Query } from '../query.js'

const everyMs = 1000

/** `GET /containers/{id}/stats`. */
export function statsRoutes(app: FastifyInstance, engine: EngineCore): void {
  app.get('/containers/:id/stats', async (request, reply) => {
    const container = engine.containers.get((request.params as { id: string }).id)
    const query = new Query(request)
    if (!query.flag('stream', true)) return await once(container, query.flag('one-shot'))
    const lines = new JsonLines(reply)
    await lines.during(async () => {
      let before: StatsReading | undefined
      while (!lines.signal.aborted) {
        const now = readStats(container.handle)
        await lines.send(documentOf(container, now, before))
        before = now
        if (!engine.containers.all().includes(container)) return
        await sleep(everyMs, undefined, { signal: lines.signal }).catch(() => undefined)
      }
    })
    return reply
  })
}

/** Two readings tell of the share of the processors, one does not. */
async function once(container: ManagedContainer, oneShot: boolean): Promise<Record<string, unknown>> {
  const first = readStats(container.handle)
  if (oneShot || !container.isRunning) return documentOf(container, first, undefined)
  await sleep(everyMs)
  return documentOf(container, readStats(container.handle), first)
}

function documentOf(
  { id, name }: ManagedContainer,
  now: StatsReading,
  before: StatsReading | undefined,
): Record<string, unknown> {
  return statsDocument({ id, name }, now, before)
}
