import { invalidConfig, shown } from './invalid-config.js'
import type { ConfigIdMapping } from './config.js'

/** A mapping in an option. */
export interface MountIdMapping extends ConfigIdMapping {
  /** True when `hostID` is an id of the container's user namespace, to be mapped to the host's first. */
  readonly relative: boolean
}

/** The `idmap` or `ridmap` option. Without mappings those of the mount or of the container's user namespace apply. */
export interface ParsedIdmap {
  /** For the mounts below as well. */
  readonly recursive: boolean
  readonly uidMappings?: readonly MountIdMapping[]
  readonly gidMappings?: readonly MountIdMapping[]
}

/** More ranges no user namespace can have (user_namespaces(7)). */
const MOST = 340

/**
 * Reads what follows `idmap=`, as crun has it: `uids=0-1000-10#10-5000-1;gids=@0-1-10`, ranges of a first id in the file
 * system, a first id on the host and a count. A `@` makes the second an id of the container's user namespace.
 */
export function parseIdmap(recursive: boolean, value: string | undefined): ParsedIdmap {
  if (value === undefined || value === '') return { recursive }
  const maps: { uids?: readonly MountIdMapping[]; gids?: readonly MountIdMapping[] } = {}
  for (const part of value.split(';')) {
    const match = /^(uids|gids)=(.*)$/s.exec(part)
    if (match === null) throw wrongIdmap(value)
    maps[match[1] as 'uids' | 'gids'] = parseRanges(match[2]!, value)
  }
  if (maps.uids === undefined || maps.gids === undefined) throw wrongIdmap(value)
  return { recursive, uidMappings: maps.uids, gidMappings: maps.gids }
}

function parseRanges(ranges: string, value: string): readonly MountIdMapping[] {
  const parts = ranges.split('#', MOST + 1)
  if (parts.length > MOST) throw wrongIdmap(value)
  return parts.map((range) => {
    const match = /^(@?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(range)
    const [containerID, hostID, size] = [Number(match?.[2]), Number(match?.[3]), Number(match?.[4])]
    const fits = size > 0 && containerID + size <= 2 ** 32 && hostID + size <= 2 ** 32
    if (match === null || !fits) throw wrongIdmap(value)
    return { containerID, hostID, size, relative: match[1] === '@' }
  })
}

function wrongIdmap(value: string): Error {
  return invalidConfig(
    `mount option idmap must be like idmap=uids=0-1000-10;gids=0-1000-10, got ${shown(value)}`,
  )
}
