import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, ContainerFigures } from '@ctr/runtime'
import type { Usage } from '../rows.js'

const sampleMs = 500

/** Measures what a container uses. */
export async function localUsage(container: Container): Promise<Usage> {
  const before = container.stats()
  const at = performance.now()
  await sleep(sampleMs)
  const stats = container.stats()
  const usedUsec = (stats.cpu?.usageUsec ?? 0) - (before.cpu?.usageUsec ?? 0)
  const cpuPercent = usedUsec / 10 / (performance.now() - at)
  const { memory, io, pids } = stats
  const { id, name } = container
  const memoryUsed = workingSet(stats)
  return {
    id,
    name,
    cpuPercent,
    memoryUsed,
    memoryLimit: memory === undefined || memory.limit === 'max' ? undefined : memory.limit,
    network: networkTotals(stats),
    blocks: io === undefined ? undefined : [io.readBytes, io.writeBytes],
    pids: pids?.current,
    document: { id, name, cpuPercent: Number(cpuPercent.toFixed(2)), memoryUsed, ...stats },
  }
}

/** Memory that is really needed, as monitoring tools count it: without page cache not used lately. */
function workingSet({ memory }: ContainerFigures): number {
  return memory === undefined ? 0 : Math.max(0, memory.usage - memory.breakdown.inactiveFile)
}

function networkTotals({ networks }: ContainerFigures): readonly [number, number] | undefined {
  if (networks === undefined) return undefined
  const all = Object.values(networks)
  return [
    all.reduce((sum, { rxBytes }) => sum + rxBytes, 0),
    all.reduce((sum, { txBytes }) => sum + txBytes, 0),
  ]
}
