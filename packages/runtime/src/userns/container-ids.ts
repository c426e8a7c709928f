import type { IdMapping, IdMaps, User } from '@ctr/namespaces'
import { RuntimeError } from '../errors.js'

/** The ids that a container in a user namespace has, and whose they are on the host. */
export class ContainerIds {
  readonly maps: IdMaps
  /** Why there is only one id, and what to do about it; undefined where there are more. */
  readonly limited: string | undefined
  readonly #remedy: string

  /** @param remedy - What to do where an id is missing that is wanted. */
  constructor(maps: IdMaps, { limited, remedy }: { readonly limited?: string | undefined; remedy: string }) {
    this.maps = maps
    this.limited = limited
    this.#remedy = limited ?? remedy
  }

  /** Whether group 5, that of terminals, is mapped. */
  get hasTerminalGroup(): boolean {
    return outsideOf(this.maps.gid, 5) !== undefined
  }

  /** The last group from 0 on that is mapped, without a gap. */
  get lastGroup(): number {
    let last = -1
    for (const { inside, size } of [...this.maps.gid].sort((a, b) => a.inside - b.inside)) {
      if (inside !== last + 1) break
      last = inside + size - 1
    }
    return last
  }

  /**
   * The user that a container's program is to be, as far as the maps have it: with one id there are no additional
   * groups, since setgroups(2) is denied then.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: an id that is not mapped.
   */
  userInside({ uid, gid, groups }: User): User {
    const ids = [
      ['user', uid, this.maps.uid],
      ['group', gid, this.maps.gid],
      ...(this.limited === undefined ? (groups ?? []) : []).map(
        (id) => ['group', id, this.maps.gid] as const,
      ),
    ] as const
    const missing = ids.find(([, id, map]) => outsideOf(map, id) === undefined)
    if (missing === undefined) return this.limited === undefined ? { uid, gid, groups } : { uid, gid }
    const [kind, id] = missing
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot run as ${kind} ${id}: that id is not mapped; ${this.#remedy}`,
    )
  }

  /** Who an owner inside is on the host; undefined where the maps do not have it. */
  outside({ uid, gid }: { readonly uid: number; readonly gid: number }): HostOwner | undefined {
    const [user, group] = [outsideOf(this.maps.uid, uid), outsideOf(this.maps.gid, gid)]
    return user === undefined || group === undefined ? undefined : { uid: user, gid: group }
  }
}

/** User and group by ids of the host. */
export interface HostOwner {
  readonly uid: number
  readonly gid: number
}

function outsideOf(map: readonly IdMapping[], id: number): number | undefined {
  const range = map.find(({ inside, size }) => id >= inside && id < inside + size)
  return range && range.outside + id - range.inside
}
