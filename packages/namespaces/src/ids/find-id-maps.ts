import { ownIdMaps, type IdMapping, type IdMaps } from './id-map.js'
import { findMapHelper } from './map-helper.js'
import { subordinateIds, type IdRange, type SubordinateIds } from './subordinate-ids.js'

/** How to map the caller's ids. */
export interface FindIdMapsOptions {
  /** Which user is the caller inside. Default 0. */
  readonly uid?: number | undefined
  /** Which group is the caller's inside. Default 0. */
  readonly gid?: number | undefined
  /** Default: those of `/etc/subuid` and `/etc/subgid`, as {@link subordinateIds} finds them. */
  readonly subordinate?: SubordinateIds | undefined
}

/** The most that a caller without privileges can map. */
export interface FoundIdMaps {
  readonly maps: IdMaps
  /**
   * Why it is only the caller's own id, in words for a person, with what to do about it; undefined where there are
   * more. With one id nobody else can be become, files of others cannot be made, and `setgroups` is denied.
   */
  readonly limited: string | undefined
}

/**
 * Maps for a user namespace of an ordinary user: the caller's own ids inside as root (or as `uid` and `gid` say), the
 * other ids inside, from 0 on, are its subordinate ids. Where there are none, or `newuidmap` or `newgidmap` is not
 * installed, only the own ids: one each.
 *
 * @example
 * const { maps, limited } = findIdMaps()
 * if (limited !== undefined) console.warn(limited)
 * await spawn({ command: ['id'], namespaces: { user: 'new' }, idMaps: maps })
 */
export function findIdMaps(options: FindIdMapsOptions = {}): FoundIdMaps {
  const { uid = 0, gid = 0, subordinate = subordinateIds() } = options
  const limited = whyLimited(subordinate)
  return {
    maps: mapsAround({ uid, gid }, limited === undefined ? subordinate : { uid: [], gid: [] }),
    limited,
  }
}

/** Maps with the caller's own ids where they belong, and subordinate ones around them, from 0 on. */
export function mapsAround(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  subordinate: SubordinateIds,
): IdMaps {
  return {
    uid: fill(ownIdMaps(uid).uid[0]!, subordinate.uid),
    gid: fill(ownIdMaps(gid).gid[0]!, subordinate.gid),
  }
}

function fill(own: IdMapping, ranges: readonly IdRange[]): IdMapping[] {
  const maps = [own]
  let inside = own.inside === 0 ? 1 : 0
  for (const { first, size } of ranges) {
    for (let done = 0; done < size;) {
      const room = inside < own.inside ? own.inside - inside : size
      const part = Math.min(room, size - done)
      maps.push({ inside, outside: first + done, size: part })
      done += part
      inside += part
      if (inside === own.inside) inside++
    }
  }
  return maps.sort((a, b) => a.inside - b.inside)
}

function whyLimited({ uid, gid }: SubordinateIds): string | undefined {
  const lacking = [...(uid.length === 0 ? ['/etc/subuid'] : []), ...(gid.length === 0 ? ['/etc/subgid'] : [])]
  const user = String(process.geteuid?.())
  if (lacking.length > 0) {
    const have = lacking.length === 1 ? 'has' : 'have'
    return `only one id is mapped: ${lacking.join(' and ')} ${have} no ids for user ${user}; have root give some: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER`
  }
  if (process.geteuid?.() === 0) return undefined
  const missing = (['uid', 'gid'] as const).filter((kind) => findMapHelper(kind) === undefined)
  if (missing.length === 0) return undefined
  return `only one id is mapped: ${missing.map((kind) => `new${kind}map`).join(' and ')} not found; install uidmap (Debian, Ubuntu) or shadow-utils (Fedora)`
}
