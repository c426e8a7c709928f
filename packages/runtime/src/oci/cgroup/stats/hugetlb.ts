import { readdirSync } from 'node:fs'
import { type HugetlbFigures, unlessZero } from './container-stats.js'
import { readCount, readText } from './read.js'

/** Names of a version's files, behind the size. */
interface HugetlbFiles {
  readonly usage: string
  readonly max?: string | undefined
}

/** Huge pages of a cgroup by their size, those reserved where the kernel counts them. */
export function hugetlbOf(
  folder: string | undefined,
  { usage, max }: HugetlbFiles,
): Readonly<Record<string, HugetlbFigures>> {
  if (folder === undefined) return {}
  const sizes = filesOf(folder).flatMap((file) => {
    const [, size, rest] = /^hugetlb\.(\d+[KMGT]B)\.(.*)$/.exec(file) ?? []
    return size !== undefined && rest === usage ? [size] : []
  })
  return Object.fromEntries(
    sizes.sort().map((size): [string, HugetlbFigures] => {
      const reserved = `hugetlb.${size}.rsvd`
      const prefix = readText(folder, `${reserved}.${usage}`) === undefined ? `hugetlb.${size}` : reserved
      const events = /^max (\d+)$/m.exec(readText(folder, `hugetlb.${size}.events`) ?? '')?.[1]
      return [
        size,
        {
          usage: unlessZero(readCount(folder, `${prefix}.${usage}`)),
          max: max === undefined ? undefined : unlessZero(readCount(folder, `${prefix}.${max}`)),
          failcnt: events === undefined ? readCount(folder, `${prefix}.failcnt`) : Number(events),
        },
      ]
    }),
  )
}

/** None when the cgroup is gone. */
function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
