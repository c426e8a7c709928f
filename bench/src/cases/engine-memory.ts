import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, BenchCase, CaseResult, Figure } from '../case.js'
import { openDaemons, type ApiDaemon } from '../daemons.js'
import { proportionalMemory } from '../memory-use.js'
import { enginePeers, runOnce, removeNow, startIdle } from './engine.js'

const titles = {
  0: 'memory of the daemon and its helpers after ten containers, none there',
  100: 'the same beside 100 idle containers, without these',
} as const

/** What daemons cost by themselves, and what they add for containers that do nothing. */
export function engineMemoryCase(program: string, count: keyof typeof titles): BenchCase {
  return {
    name: count === 0 ? 'engine-memory' : 'engine-memory-containers',
    title: titles[count],
    peers: enginePeers,
    async measure(bench) {
      await using daemons = await openDaemons(bench, program)
      const figures: Figure[] = []
      for (const daemon of daemons.all) figures.push(await figureOf(daemon, count, bench))
      const target: CaseResult['target'] = { of: 'docker', factor: count === 0 ? 0.7 : 0.1 }
      const notes = ['proportional set size; of podman its service, and the conmon of each container']
      return { unit: 'KiB', figures, target, notes }
    },
  }
}

async function figureOf(daemon: ApiDaemon, count: number, { signal }: Bench): Promise<Figure> {
  const containers = []
  try {
    for (let n = 0; n < 10; n++) await runOnce(daemon)
    for (let n = 0; n < count; n++) {
      signal.throwIfAborted()
      containers.push(await startIdle(daemon))
    }
    await sleep(10_000) // what is collected late is collected
    const total = proportionalMemory(daemon.processes())
    return { name: daemon.name, median: total, p10: total, p90: total, count: 1 }
  } finally {
    for (const container of containers) await removeNow(container)
  }
}
