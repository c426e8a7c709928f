import { NamespacesError } from '../errors.js'

/** A range of ids inside a user namespace and the range outside that it stands for; see user_namespaces(7). */
export interface IdMapping {
  /** First id inside. */
  readonly inside: number
  /** First id outside, in the parent's user namespace. */
  readonly outside: number
  /** How many ids. */
  readonly size: number
}

/** Id maps of a new user namespace. */
export interface IdMaps {
  readonly uid: readonly IdMapping[]
  readonly gid: readonly IdMapping[]
  /**
   * `deny` forbids setgroups(2) inside, for ever: a process there cannot give up a group that is kept from
   * something. Default: allowed, where the kernel lets the caller allow it.
   */
  readonly setgroups?: 'deny' | undefined
}

const MOST_RANGES = 340 // limit of the kernel since Linux 4.15

/**
 * Checks maps as far as that needs no kernel: whole numbers, no empty ranges, at most 340, none overlapping.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`.
 */
export function checkIdMaps(maps: IdMaps): void {
  for (const [kind, map] of [
    ['uid', maps.uid],
    ['gid', maps.gid],
  ] as const) {
    if (map.length === 0 || map.length > MOST_RANGES) {
      throw invalid(`cannot map ${kind}s: 1 to ${MOST_RANGES} ranges are needed, got ${map.length}`)
    }
    for (const { inside, outside, size } of map) {
      if (
        ![inside, outside, size].every((id) => Number.isInteger(id) && id >= 0 && id <= 2 ** 32 - 1) ||
        size === 0
      ) {
        throw invalid(
          `cannot map ${kind}s ${inside}:${outside}:${size}: ids are 32-bit integers and a range is not empty`,
        )
      }
    }
    checkOverlap(kind, map, 'inside')
    checkOverlap(kind, map, 'outside')
  }
}

/**
 * The map with one id: `inside` stands for the caller's own. What an ordinary user may do without help; the kernel
 * wants `setgroups` denied for it, which {@link writeIdMaps} does where it must.
 */
export function ownIdMaps(inside = 0): IdMaps {
  return {
    uid: [{ inside, outside: process.geteuid?.() ?? 0, size: 1 }],
    gid: [{ inside, outside: process.getegid?.() ?? 0, size: 1 }],
  }
}

function checkOverlap(kind: string, map: readonly IdMapping[], side: 'inside' | 'outside'): void {
  const sorted = [...map].sort((a, b) => a[side] - b[side])
  sorted.forEach((range, index) => {
    const next = sorted[index + 1]
    if (next !== undefined && range[side] + range.size > next[side]) {
      throw invalid(
        `cannot map ${kind}s: the ranges that begin at ${range[side]} and ${next[side]} ${side} overlap`,
      )
    }
  })
}

function invalid(message: string): NamespacesError {
  return new NamespacesError('ERR_NAMESPACES_INVALID_ARG', message)
}
