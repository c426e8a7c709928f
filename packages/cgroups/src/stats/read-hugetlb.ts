import { readdirSync } from 'node:fs'
import type { GroupFolder } from '../group/group.js'
import { parseFlatKeyed } from './parse-flat-keyed.js'
import { amount, amountIfThere, limit, type StatsSource } from './source.js'
import type { HugetlbCounts, HugetlbStats } from './stats.js'

/** Figures of `hugetlb`, by size of page. */
export function readHugetlb(
  source: StatsSource,
  home: GroupFolder,
  sizes: readonly string[] = pageSizes(),
): Record<string, HugetlbStats> {
  const found: Record<string, HugetlbStats> = {}
  for (const size of sizes) {
    const files = filesOf(size)
    const of = home.mount.version === 1 ? countsV1 : countsV2
    const counts = of(source, home, files.pages)
    if (counts) found[size] = { ...counts, reserved: of(source, home, files.reserved) }
  }
  return found
}

function countsV1(source: StatsSource, home: GroupFolder, files: Files): HugetlbCounts | undefined {
  const usage = amountIfThere(source, home, files.v1.usage)
  if (usage === undefined) return undefined
  return {
    usage,
    peak: amountIfThere(source, home, files.v1.peak),
    limit: limit(source, home, files.v1.limit),
    limitHits: amount(source, home, files.v1.limitHits),
  }
}

function countsV2(source: StatsSource, home: GroupFolder, files: Files): HugetlbCounts | undefined {
  const usage = amountIfThere(source, home, files.v2.usage)
  if (usage === undefined) return undefined
  return {
    usage,
    peak: undefined,
    limit: limit(source, home, files.v2.limit),
    // reservations have no such file
    limitHits: parseFlatKeyed(source.read(home, files.v2.events) ?? '').get('max') ?? 0,
  }
}

/** Names of the files of one size, and of what is reserved of it. */
type Files = ReturnType<typeof named>

function named(prefix: string) {
  return {
    v1: {
      usage: `${prefix}.usage_in_bytes`,
      peak: `${prefix}.max_usage_in_bytes`,
      limit: `${prefix}.limit_in_bytes`,
      limitHits: `${prefix}.failcnt`,
    },
    v2: { usage: `${prefix}.current`, limit: `${prefix}.max`, events: `${prefix}.events` },
  }
}

/** By size: put together once, as they are needed for every group. */
const filesBySize = new Map<string, { readonly pages: Files; readonly reserved: Files }>()

function filesOf(size: string): { readonly pages: Files; readonly reserved: Files } {
  let files = filesBySize.get(size)
  if (files === undefined) {
    files = { pages: named(`hugetlb.${size}`), reserved: named(`hugetlb.${size}.rsvd`) }
    filesBySize.set(size, files)
  }
  return files
}

/** Sizes of huge pages that this kernel has, as its files are named: `hugepages-2048kB` is `2MB`. */
function pageSizes(): readonly string[] {
  known ??= listPageSizes() // they are there from boot on
  return known
}
let known: readonly string[] | undefined

function listPageSizes(): string[] {
  let names: string[]
  try {
    names = readdirSync('/sys/kernel/mm/hugepages')
  } catch {
    return [] // none, or no /sys
  }
  return names.flatMap((name) => {
    const kib = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1])
    if (!Number.isSafeInteger(kib)) return []
    if (kib >= 2 ** 20) return [`${kib / 2 ** 20}GB`]
    return [kib >= 1024 ? `${kib / 1024}MB` : `${kib}KB`]
  })
}
