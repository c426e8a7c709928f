import type { BenchCase } from '../case.js'
import { figuresOf } from '../case.js'
import { openDaemons, type ApiDaemon } from '../daemons.js'
import { interleave } from '../measure.js'
import { proportionalMemory } from '../memory-use.js'
import { execOnce, runOnce, removeNow, startIdle } from './engine.js'

/** A container that prints as fast as it can, into a json-file. */
export function engineOutputCase(program: string): BenchCase {
  return {
    name: 'engine-output',
    title: 'a container writes 1 GB to its output, json-file: seconds a GB, in ms',
    peers: ['docker'],
    async measure(bench) {
      const bytes = bench.quick ? 2 ** 26 : 2 ** 30
      await using daemons = await openDaemons(bench, program)
      const compared = daemons.all.filter(({ name }) => name !== 'podman') // it has no json-file
      const beside = await Promise.all(compared.map((daemon) => startIdle(daemon)))
      const latencies = new Map(compared.map(({ name }) => [name, [] as number[]]))
      let most = 0
      try {
        const subjects = compared.map((daemon, index) => ({
          name: daemon.name,
          run: async () => {
            let printing = true
            const printed = print(daemon, bytes).finally(() => (printing = false))
            const look = async (): Promise<void> => {
              while (printing) {
                const began = performance.now()
                await execOnce(beside[index]!)
                latencies.get(daemon.name)!.push(performance.now() - began)
                if (daemon === daemons.ours) most = Math.max(most, proportionalMemory(daemon.processes()))
              }
            }
            const [took] = await Promise.all([printed, look()])
            return [(took * 2 ** 30) / bytes]
          },
        }))
        const plan = { rounds: bench.quick ? 1 : 3, burst: 1, signal: bench.signal }
        const samples = await interleave(subjects, plan)
        const worst = [...latencies].map(([name, all]) => {
          const sorted = [...all].sort((a, b) => a - b)
          return `${name} ${Math.round(sorted[Math.floor(sorted.length * 0.9)] ?? 0)} ms`
        })
        return {
          unit: 'ms',
          figures: figuresOf(samples),
          target: { of: 'docker', factor: 1 },
          notes: [
            `lines of 100 bytes; our daemon takes at most ${Math.round(most / 1024)} MiB meanwhile`,
            `nine of ten execs in another container meanwhile come within: ${worst.join(', ')}`,
          ],
        }
      } finally {
        for (const container of beside) await removeNow(container)
      }
    },
  }
}

/** @returns Milliseconds from the start to the end of the container, its output logged. */
async function print(daemon: ApiDaemon, bytes: number): Promise<number> {
  const line = 'x'.repeat(99)
  const began = performance.now()
  await runOnce(daemon, ['sh', '-c', `yes ${line} | head -c ${bytes}`])
  return performance.now() - began
}
