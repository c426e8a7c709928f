import { readdirSync } from 'node:fs'
import Docker from 'dockerode'
import type { BenchCase } from '../case.js'
import { summarize } from '../statistics.js'
import { openDaemons, type OurDaemon } from '../daemons.js'
import { runOnce } from './engine.js'

const clients = 50

/** Many clients at once, for a while: nothing fails, nothing is left, and the daemon has its turns. */
export function engineLoadCase(program: string): BenchCase {
  return {
    name: 'engine-load',
    title: `${clients} clients create, start, wait and remove for a while: delay of the daemon's event loop, 99 %`,
    peers: [],
    async measure(bench) {
      const seconds = bench.quick ? 5 : 300
      await using daemons = await openDaemons(bench, program)
      const { ours } = daemons
      await load(ours, bench.quick ? 1 : 5, bench.signal)
      await delayOf(ours) // counted anew from here on
      const before = descriptors(ours)
      const { times, failures } = await load(ours, seconds, bench.signal)
      const delay = await delayOf(ours)
      const left = await ours.client.listContainers({ all: true })
      const growth = descriptors(ours) - before
      return {
        unit: 'ms',
        figures: [{ name: 'ctr', median: delay, p10: delay, p90: delay, count: 1 }],
        target: { atMost: 50 },
        holds: failures.length === 0 && left.length === 0 && growth <= clients,
        notes: [
          `${times.length} containers in ${seconds} s, ${Math.round(summarize(times).median)} ms each; ${failures.length} failed, ${left.length} left, ${growth} descriptors more`,
          ...failures.slice(0, 3),
        ],
      }
    },
  }
}

/** The longest wait of the best 99 % since the last look, in milliseconds. */
async function delayOf({ metrics }: OurDaemon): Promise<number> {
  const page = await (await fetch(metrics)).text()
  const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(page)?.[1]
  if (seconds === undefined) throw new Error('cannot measure the engine: it tells no delay of its event loop')
  return Number(seconds) * 1000
}

function descriptors({ processes }: OurDaemon): number {
  return readdirSync(`/proc/${processes()[0]!}/fd`).length
}

async function load(
  daemon: OurDaemon,
  seconds: number,
  signal: AbortSignal,
): Promise<{ readonly times: readonly number[]; readonly failures: readonly string[] }> {
  const until = performance.now() + seconds * 1000
  const times: number[] = []
  const failures: string[] = []
  const one = async (): Promise<void> => {
    const client = new Docker({ socketPath: daemon.socket })
    while (performance.now() < until) {
      signal.throwIfAborted()
      const began = performance.now()
      await runOnce({ ...daemon, client }).catch((error: unknown) => failures.push(String(error)))
      times.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: clients }, one))
  return { times, failures }
}
