import { writeFileSync } from 'node:fs'
import { NamespacesError } from './errors.js'

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
}

const MOST_RANGES = 340 // limit of the kernel since Linux 4.15

/**
 * Checks maps as far as that needs no kernel: whole numbers, no empty ranges, at most 340, none overlapping.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`.
 */
export function checkIdMaps(maps: IdMaps): void {
  for (const [kind, map] of Object.entries(maps) as [string, readonly IdMapping[]][]) {
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
 * Writes the maps of a process in a new user namespace, once. Without `CAP_SETGID` in the parent namespace
 * the kernel wants `setgroups` denied first, and allows one id: the writer's own.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_ID_MAP`, with the refused text.
 */
export function writeIdMaps(pid: number, maps: IdMaps): void {
  const privileged = process.getuid?.() === 0
  if (!privileged) write(pid, 'setgroups', 'deny')
  write(pid, 'gid_map', text(maps.gid))
  write(pid, 'uid_map', text(maps.uid))
}

/** The map with one id: `inside` stands for the caller's own. What an ordinary user may do without help. */
export function ownIdMaps(inside = 0): IdMaps {
  return {
    uid: [{ inside, outside: process.geteuid?.() ?? 0, size: 1 }],
    gid: [{ inside, outside: process.getegid?.() ?? 0, size: 1 }],
  }
}

function write(pid: number, file: string, value: string): void {
  const path = `/proc/${pid}/${file}`
  try {
    writeFileSync(path, value)
  } catch (error) {
    throw new NamespacesError(
      'ERR_NAMESPACES_ID_MAP',
      `cannot write ${JSON.stringify(value)} to ${path}: the kernel refuses it; an ordinary user may map only its own id`,
      { cause: error },
    )
  }
}

function text(map: readonly IdMapping[]): string {
  return map.map(({ inside, outside, size }) => `${inside} ${outside} ${size}\n`).join('')
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
