import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import {
  cpuBandwidth,
  createCgroup,
  detectHierarchy,
  type Cgroup,
  type Hierarchy,
  type Resources,
} from '@ctr/cgroups'
import { readFiles, type FileRead } from '@ctr/linux'
import { figuresOf, type Bench, type BenchCase, type CaseResult, type Figure } from '../case.js'
import { inProcess, interleave } from '../measure.js'
import { summarize } from '../statistics.js'
import { limits } from '../workload.js'

const { memory, cpus, pids } = limits
const resources: Resources = {
  memory: { limit: memory },
  cpu: cpuBandwidth(cpus),
  pids: { limit: pids },
}

/** A control group's whole life in all hierarchies of the host. */
export const cgroupsCase: BenchCase = {
  name: 'cgroups',
  title: '@ctr/cgroups: create with limits of cpu, memory and pids, remove',
  peers: [],
  measure: (bench) => {
    const hierarchy = detectHierarchy()
    return wholeLife(bench, hierarchy, resources, hierarchy.mode === 'v2' ? 1 : 2)
  },
}

/** The same in the unified hierarchy alone. */
export const cgroupsV2Case: BenchCase = {
  name: 'cgroups-v2',
  title: '@ctr/cgroups: create and remove on v2 alone',
  peers: [],
  async measure(bench) {
    const mounts = detectHierarchy().mounts.filter(({ version }) => version === 2)
    const controllers = new Map(
      mounts.flatMap((mount) => mount.controllers.map((name) => [name, mount] as const)),
    )
    const has = (name: string): boolean => controllers.has(name)
    const given: Resources = {
      memory: has('memory') ? resources.memory : undefined,
      cpu: has('cpu') ? resources.cpu : undefined,
      pids: has('pids') ? resources.pids : undefined,
    }
    const lacking = ['cpu', 'memory', 'pids'].filter((name) => !has(name))
    const notes =
      lacking.length === 0
        ? []
        : [
            `${lacking.join(', ')} are on v1 here, so that nothing is limited by them: this is the folder and what else the host has on v2`,
          ]
    const found = await wholeLife(bench, { mode: 'v2', mounts, controllers }, given, 1)
    return { ...found, notes }
  },
}

async function wholeLife(
  { quick, signal }: Bench,
  hierarchy: Hierarchy,
  given: Resources,
  mostMs: number,
): Promise<CaseResult> {
  const path = `/ctr-bench-${process.pid}-part`
  const work = inProcess(async () => {
    const group = createCgroup(path, given, { hierarchy })
    await group.remove()
  })
  const samples = await interleave([work], { rounds: quick ? 2 : 40, burst: 5, signal })
  return { unit: 'ms', figures: [...figuresOf(samples), asked(mostMs)], target: { of: 'asked', factor: 1 } }
}

/** Figures of many groups, as somebody reads them who watches all of a host. */
export const statsCase: BenchCase = {
  name: 'cgroups-stats',
  title: '@ctr/cgroups: all figures of 1,000 groups, by readers that keep files open',
  peers: [],
  async measure({ quick, signal }) {
    const hierarchy = detectHierarchy()
    // a host may allow fewer descriptors than 1,000 readers have: they are measured in parts, and added up
    const [parts, size] = quick ? [1, 100] : [4, 250]
    const once: number[] = []
    const rounds = quick ? 2 : 10
    const [kept, floor] = [new Float64Array(rounds), new Float64Array(rounds)]
    for (let part = 0; part < parts; part++) {
      const groups = Array.from({ length: size }, (_, index) =>
        createCgroup(`/ctr-bench-${process.pid}-stats-${part}-${index}`, resources, { hierarchy }),
      )
      const readers = groups.map((group) => group.openStats())
      try {
        for (const reader of readers) reader.read() // opens the files
        const files = openFilesOf(groups)
        for (let round = 0; round < rounds; round++) {
          signal.throwIfAborted()
          kept[round]! += timeOf(() => readers.forEach((reader) => reader.read()))
          floor[round]! += timeOf(() => files.forEach((own) => readFiles(own)))
        }
        for (const reader of readers) reader.close()
        once.push((timeOf(() => groups.forEach((group) => group.stats())) * 1000) / size)
      } finally {
        for (const reader of readers) reader.close()
        for (const group of groups) await group.remove()
      }
    }
    const ofThousand = (sums: Float64Array): number[] => [...sums].map((sum) => (sum * 1000) / (parts * size))
    return {
      unit: 'ms',
      figures: [
        { name: 'ctr', ...summarize(ofThousand(kept)) },
        asked(100),
        { name: 'the kernel, reading the same files', ...summarize(ofThousand(floor)) },
        { name: 'without keeping files open', ...summarize(once) },
      ],
      target: { of: 'asked', factor: 1 },
      notes: [`measured ${parts} times with ${size} groups, and counted up to 1,000`],
    }
  },
}

/** Milliseconds that something takes. */
function timeOf(work: () => void): number {
  const began = performance.now()
  work()
  return performance.now() - began
}

/** Files of groups that this process has open, each with room for what is in it. */
function openFilesOf(groups: readonly Cgroup[]): FileRead[][] {
  const files = new Map(groups.map(({ path }): [string, FileRead[]] => [path, []]))
  for (const name of readdirSync('/proc/self/fd')) {
    const path = targetOf(`/proc/self/fd/${name}`)
    files
      .get(`/${basename(dirname(path))}`)
      ?.push({ fd: Number(name), room: readFileSync(path).length * 2 + 64 })
  }
  return [...files.values()]
}

/** Where a link of /proc leads; nowhere when its descriptor was that of the listing. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}

/** A bound that was asked for, to be compared with as another's figure is. */
function asked(ms: number): Figure {
  return { name: 'asked', median: ms, p10: ms, p90: ms, count: 1 }
}
