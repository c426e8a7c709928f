import { checkInteger } from './check.js'

/**
 * Converts v1 `cpu.shares` (2 to 262144, default 1024) to v2 `cpu.weight` (1 to 10000, default 100).
 *
 * The curve goes through the smallest, the default and the largest value of both scales: with
 * `l = log2(shares)` the weight is `10 ^ ((l² + 125 l) / 612 - 7 / 34)`, rounded up. This is what the current
 * OCI runtimes do; older ones mapped the ranges linearly, which made 39 of the default 1024.
 *
 * @param shares - 2 to 262144.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: outside the range.
 */
export function sharesToWeight(shares: number): number {
  checkInteger('cpu.shares', shares, 2, 262_144)
  if (shares === 2) return 1
  if (shares === 262_144) return 10_000
  const l = Math.log2(shares)
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34))
}

/**
 * Converts v2 `cpu.weight` to v1 `cpu.shares`: the inverse of {@link sharesToWeight}, to the nearest whole
 * number. `sharesToWeight(weightToShares(w))` is `w` or, by rounding, next to it.
 *
 * @param weight - 1 to 10000.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: outside the range.
 */
export function weightToShares(weight: number): number {
  checkInteger('cpu.weight', weight, 1, 10_000)
  const l = (-125 + Math.sqrt(125 * 125 + 4 * 612 * (Math.log10(weight) + 7 / 34))) / 2
  return Math.min(262_144, Math.max(2, Math.round(2 ** l)))
}
