import { createHash } from 'node:crypto'
import { closeFd, isSyscallError } from '@ctr/linux'
import {
  findIdMaps,
  isNamespacesError,
  openUserNamespace,
  type IdMapping,
  type IdMaps,
  type User,
} from '@ctr/namespaces'
import type { StoreUserNamespace } from '@ctr/overlay'
import { RuntimeError } from '../errors.js'
import { Turns } from './turns.js'

/** How an ordinary user's containers are made: in user namespaces, with the ids that the user may map. */
export class Rootless implements Disposable {
  /** Of every container: the user is root inside, its subordinate ids are the others. */
  readonly maps: IdMaps
  /** Why there is only one id, and what to do about it; undefined where there are more. */
  readonly limited: string | undefined
  /** A user namespace with the same maps that no process is in: layers are unpacked and mounted with its ids. */
  readonly namespace: StoreUserNamespace
  /** A child that is on its way into a container hides this process from those who write another's maps. */
  readonly turns = new Turns()

  private constructor(maps: IdMaps, limited: string | undefined, fd: number) {
    this.maps = maps
    this.limited = limited
    this.namespace = { fd, singleId: limited !== undefined }
  }

  /**
   * @throws {@link RuntimeError} `ERR_RUNTIME_START`: no user namespace can be made.
   */
  static async open(): Promise<Rootless> {
    const { maps, limited } = findIdMaps()
    try {
      return new Rootless(maps, limited, await openUserNamespace(maps))
    } catch (cause) {
      if (!isSyscallError(cause) && !isNamespacesError(cause)) throw cause
      throw new RuntimeError(
        'ERR_RUNTIME_START',
        `cannot make containers as user ${String(process.geteuid?.())}: no user namespace can be made (${String(cause)}); ` +
          'the host must allow them to ordinary users (sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone, ' +
          'kernel.apparmor_restrict_unprivileged_userns), or run as root',
        { cause },
      )
    }
  }

  /** Names what layers are unpacked with these maps: with others, the same files would belong to somebody else. */
  get mapsName(): string {
    return createHash('sha256').update(JSON.stringify(this.maps)).digest('hex').slice(0, 8)
  }

  /** Whether group 5, that of terminals, is mapped. */
  get hasTerminalGroup(): boolean {
    return isMapped(this.maps.gid, 5)
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
    const missing = ids.find(([, id, map]) => !isMapped(map, id))
    if (missing === undefined) return this.limited === undefined ? { uid, gid, groups } : { uid, gid }
    const [kind, id] = missing
    const reason = this.limited ?? 'the ranges in /etc/subuid and /etc/subgid are too small'
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot run as ${kind} ${id}: that id is not mapped; ${reason}`,
    )
  }

  [Symbol.dispose](): void {
    closeFd(this.namespace.fd)
  }
}

function isMapped(map: readonly IdMapping[], id: number): boolean {
  return map.some(({ inside, size }) => id >= inside && id < inside + size)
}
