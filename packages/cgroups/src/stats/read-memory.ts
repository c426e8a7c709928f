import type { Group } from '../group/group.js'
import { folderWith } from '../group/group.js'
import { readFileIfThere, readInterfaceFile } from '../kernel/interface-file.js'
import { parseAmount, parseLimit } from './parse-amount.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import type { MemoryStats } from './stats.js'

/** Memory figures of a v1 group. */
export function readMemoryV1(folder: string): MemoryStats {
  const stat = parseFlatKeyed(readInterfaceFile(`${folder}/memory.stat`))
  const usage = amount(folder, 'memory.usage_in_bytes')
  const limit = parseLimit(
    readInterfaceFile(`${folder}/memory.limit_in_bytes`),
    `${folder}/memory.limit_in_bytes`,
  )
  return {
    usage,
    peak: amount(folder, 'memory.max_usage_in_bytes'),
    limit,
    anon: stat.get('total_rss') ?? 0,
    file: stat.get('total_cache') ?? 0,
    inactiveFile: stat.get('total_inactive_file') ?? 0,
    swap: swapV1(folder, usage, limit),
    // with no swap allowed, it is the limit of both that is hit, never that of memory
    limitHits: amount(folder, 'memory.failcnt') + optional(folder, 'memory.memsw.failcnt'),
    oomKills: parseFlatKeyed(readInterfaceFile(`${folder}/memory.oom_control`)).get('oom_kill') ?? 0,
  }
}

/** v1 counts memory and swap together; swap alone is the difference. */
function swapV1(folder: string, usage: number, limit: number | 'max'): MemoryStats['swap'] {
  const [usageFile, limitFile] = [
    `${folder}/memory.memsw.usage_in_bytes`,
    `${folder}/memory.memsw.limit_in_bytes`,
  ]
  const both = readFileIfThere(usageFile)
  if (both === undefined) return undefined
  const bothLimit = parseLimit(readInterfaceFile(limitFile), limitFile)
  return {
    usage: Math.max(0, parseAmount(both, usageFile) - usage), // read one after the other: never below 0
    limit: bothLimit === 'max' || limit === 'max' ? bothLimit : Math.max(0, bothLimit - limit),
  }
}

/** Memory figures of a v2 group. */
export function readMemoryV2(folder: string): MemoryStats {
  const stat = parseFlatKeyed(readInterfaceFile(`${folder}/memory.stat`))
  const events = parseFlatKeyed(readInterfaceFile(`${folder}/memory.events`))
  const peak = readFileIfThere(`${folder}/memory.peak`)
  const swapUsage = readFileIfThere(`${folder}/memory.swap.current`)
  const swapMax = `${folder}/memory.swap.max`
  return {
    usage: amount(folder, 'memory.current'),
    peak: peak === undefined ? undefined : parseAmount(peak, `${folder}/memory.peak`),
    limit: parseLimit(readInterfaceFile(`${folder}/memory.max`), `${folder}/memory.max`),
    anon: stat.get('anon') ?? 0,
    file: stat.get('file') ?? 0,
    inactiveFile: stat.get('inactive_file') ?? 0,
    swap:
      swapUsage === undefined
        ? undefined
        : {
            usage: parseAmount(swapUsage, `${folder}/memory.swap.current`),
            limit: parseLimit(readInterfaceFile(swapMax), swapMax),
          },
    limitHits: events.get('max') ?? 0,
    oomKills: events.get('oom_kill') ?? 0,
  }
}

/** Only the number of OOM kills: one file; see `Cgroup.oomKills`. */
export function readOomKills(group: Group): number {
  const home = folderWith(group, 'memory')
  if (!home) return 0
  const file = home.mount.version === 1 ? 'memory.oom_control' : 'memory.events'
  return parseFlatKeyed(readFileIfThere(`${home.folder}/${file}`) ?? '').get('oom_kill') ?? 0
}

function amount(folder: string, file: string): number {
  const path = `${folder}/${file}`
  return parseAmount(readInterfaceFile(path), path)
}

function optional(folder: string, file: string): number {
  const text = readFileIfThere(`${folder}/${file}`)
  return text === undefined ? 0 : parseAmount(text, `${folder}/${file}`)
}
