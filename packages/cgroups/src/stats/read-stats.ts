import type { Group } from '../group/group.js'
import { folderWith, unifiedFolder } from '../group/group.js'
import { readFileIfThere, readInterfaceFile } from '../kernel/interface-file.js'
import { parseAmount, parseLimit } from './parse-amount.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { parseBlkio, parseIoStat } from './parse-io.js'
import { readMemoryV1, readMemoryV2 } from './read-memory.js'
import type { CgroupStats, CpuStats, IoStats, MemoryStats, PidsStats, ThrottlingStats } from './stats.js'

/** Reads the figures of a group; see `Cgroup.stats`. */
export function readStats(group: Group): CgroupStats {
  return { cpu: cpu(group), memory: memory(group), pids: pids(group), io: io(group) }
}

function cpu(group: Group): CpuStats | undefined {
  const controller = folderWith(group, 'cpu')
  const account = folderWith(group, 'cpuacct')
  const stat = controller && parseFlatKeyed(readInterfaceFile(`${controller.folder}/cpu.stat`))
  if (account) {
    const usec = (file: string) => {
      const path = `${account.folder}/${file}`
      return Math.floor(parseAmount(readInterfaceFile(path), path) / 1000)
    }
    return {
      usageUsec: usec('cpuacct.usage'),
      userUsec: usec('cpuacct.usage_user'),
      systemUsec: usec('cpuacct.usage_sys'),
      throttling: stat && throttling(stat, controller.mount.version),
    }
  }
  // v2 counts time in every group, the `cpu` controller adds the throttling
  const folder = unifiedFolder(group)
  if (folder === undefined) return undefined
  const unified = parseFlatKeyed(readInterfaceFile(`${folder}/cpu.stat`))
  return {
    usageUsec: unified.get('usage_usec') ?? 0,
    userUsec: unified.get('user_usec') ?? 0,
    systemUsec: unified.get('system_usec') ?? 0,
    throttling: stat && throttling(stat, controller.mount.version),
  }
}

function throttling(stat: ReadonlyMap<string, number>, version: 1 | 2): ThrottlingStats {
  return {
    periods: stat.get('nr_periods') ?? 0,
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    throttledUsec:
      version === 1
        ? Math.floor((stat.get('throttled_time') ?? 0) / 1000)
        : (stat.get('throttled_usec') ?? 0),
  }
}

function memory(group: Group): MemoryStats | undefined {
  const home = folderWith(group, 'memory')
  return home && (home.mount.version === 1 ? readMemoryV1(home.folder) : readMemoryV2(home.folder))
}

function pids(group: Group): PidsStats | undefined {
  const home = folderWith(group, 'pids')
  if (!home) return undefined
  const [current, max] = [`${home.folder}/pids.current`, `${home.folder}/pids.max`]
  return {
    current: parseAmount(readInterfaceFile(current), current),
    limit: parseLimit(readInterfaceFile(max), max),
    limitHits: parseFlatKeyed(readFileIfThere(`${home.folder}/pids.events`) ?? '').get('max') ?? 0,
  }
}

function io(group: Group): IoStats | undefined {
  const v2 = folderWith(group, 'io')
  if (v2) return parseIoStat(readFileIfThere(`${v2.folder}/io.stat`) ?? '')
  const v1 = folderWith(group, 'blkio')
  const bytes = v1 && readFileIfThere(`${v1.folder}/blkio.throttle.io_service_bytes_recursive`)
  const ops = v1 && readFileIfThere(`${v1.folder}/blkio.throttle.io_serviced_recursive`)
  return bytes === undefined || ops === undefined ? undefined : parseBlkio(bytes, ops)
}
