import type { DiskSum } from './rows.js'

/** One of several things on disk. */
export interface DiskItem {
  /** Bytes. */
  readonly size: number
  /** Whether something uses it. */
  readonly isActive: boolean
}

/** What several things take together. */
export function diskSum(items: readonly DiskItem[]): DiskSum {
  const bytesOf = (some: readonly DiskItem[]): number => some.reduce((sum, { size }) => sum + size, 0)
  const active = items.filter(({ isActive }) => isActive)
  const size = bytesOf(items)
  return { total: items.length, active: active.length, size, reclaimable: size - bytesOf(active) }
}
