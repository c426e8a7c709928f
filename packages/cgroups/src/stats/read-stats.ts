import { folderWith, type Group, type GroupFolder } from '../group/group.js'
import { readCpu } from './read-cpu.js'
import { readIoV1, readIoV2 } from './read-io.js'
import { readMemoryV1 } from './read-memory.js'
import { readMemoryV2 } from './read-memory-v2.js'
import { readHugetlb } from './read-hugetlb.js'
import { readMisc, readPids, readRdma } from './read-others.js'
import { onceSource, type StatsSource } from './source.js'
import type { CgroupStats } from './stats.js'

/** Reads the figures of a group; see `Cgroup.stats`. */
export function readStats(group: Group, source: StatsSource = onceSource): CgroupStats {
  const unified = group.folders.find(({ mount }) => mount.version === 2)
  const here = unified && controllersOf(unified, source)
  const home = (controller: string): GroupFolder | undefined => {
    const found = folderWith(group, controller)
    // on v2 a group has only the controllers that the one above hands on
    return found?.mount.version === 2 && here?.has(controller) === false ? undefined : found
  }
  const read = <T>(controller: string, of: (source: StatsSource, home: GroupFolder) => T): T | undefined => {
    const found = home(controller)
    return found && of(source, found)
  }
  return {
    cpu: readCpu(source, { cpu: home('cpu'), cpuacct: home('cpuacct'), unified }),
    memory: read('memory', (from, at) =>
      at.mount.version === 1 ? readMemoryV1(from, at) : readMemoryV2(from, at),
    ),
    pids: read('pids', readPids),
    io: read('io', readIoV2) ?? read('blkio', readIoV1),
    hugetlb: read('hugetlb', readHugetlb),
    rdma: read('rdma', readRdma),
    misc: read('misc', readMisc),
  }
}

function controllersOf(unified: GroupFolder, source: StatsSource): ReadonlySet<string> | undefined {
  if (unified.mount.controllers.length === 0) return undefined // all are on v1
  const text = source.read(unified, 'cgroup.controllers')
  return text === undefined ? undefined : new Set(text.trim().split(' '))
}
