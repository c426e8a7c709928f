import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchCase } from '../case.js'
import { summarize } from '../statistics.js'
import { limits } from '../workload.js'

/** What must not grow from container to container. */
interface Counts {
  readonly fds: number
  readonly mounts: number
  /** Cgroups that the kernel holds, also those which are removed and not given back yet. */
  readonly cgroups: number
  readonly rss: number
}

/** Growth of this process that says nothing: pages that the heap or an allocator keeps, in bytes. */
const rssTolerance = 4 * 2 ** 20

/** Many containers one after the other: the last as fast as the first, and nothing left of any. */
export const sequenceCase: BenchCase = {
  name: 'sequence',
  title: 'containers one after the other: the last tenth against the first',
  peers: [],
  async measure({ workshop: { runtime, image }, quick, signal }) {
    const total = quick ? 100 : 1000
    const times: number[] = []
    const once = async (): Promise<number> => {
      signal.throwIfAborted()
      const began = performance.now()
      const options = {
        command: ['true'],
        network: 'none',
        ...limits,
        stdout: 'ignore',
        stderr: 'ignore',
      } as const
      const container = await runtime.run({ image, ...options })
      await container.wait()
      await container.remove()
      return performance.now() - began
    }
    const tenth = total / 10
    for (let n = 0; n < tenth; n++) await once() // compiled by then
    const before = count()
    for (let n = 0; n < total; n++) times.push(await once())
    const middle = count()
    // the heap has found its size by now: what memory grows from here on is ours
    for (let n = 0; n < total; n++) await once()
    const after = await settled(before, total / 20)
    const growth: Counts = {
      fds: after.fds - before.fds,
      mounts: after.mounts - before.mounts,
      cgroups: after.cgroups - before.cgroups,
      rss: after.rss - middle.rss,
    }
    return {
      unit: 'ms',
      figures: [
        { name: 'ctr', ...summarize(times.slice(-tenth)) },
        { name: 'first', ...summarize(times.slice(0, tenth)) },
      ],
      target: { of: 'first', factor: 1.1 },
      holds:
        growth.fds <= 0 && growth.mounts <= 0 && growth.cgroups <= total / 20 && growth.rss <= rssTolerance,
      notes: [
        `${total} containers, and as many again; growth: ${growth.fds} descriptors, ${growth.mounts} mounts, ` +
          `${growth.cgroups} cgroups that the kernel holds, ${mebibytes(growth.rss)} MiB of memory in the second ${total} ` +
          `(${mebibytes(before.rss)}, ${mebibytes(middle.rss)}, ${mebibytes(after.rss)})`,
      ],
      details: { before, middle, after, total },
    }
  },
}

/** Counts once the kernel has given back what was removed, or does not within some seconds. */
async function settled(before: Counts, tolerance: number): Promise<Counts> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const now = count()
    if (now.cgroups - before.cgroups <= tolerance / 5) return now
    await sleep(250)
  }
  return count()
}

function count(): Counts {
  return {
    fds: readdirSync('/proc/self/fd').length,
    mounts: lines('/proc/self/mountinfo').length,
    cgroups: lines('/proc/cgroups')
      .filter((line) => !line.startsWith('#'))
      .reduce((sum, line) => sum + Number(line.split('\t')[2]), 0),
    rss: process.memoryUsage.rss(),
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n')
}
