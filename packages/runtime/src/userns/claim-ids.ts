import { existsSync } from 'node:fs'
import { IdPool, isNamespacesError, subordinateIds, type IdMaps, type IdRange } from '@ctr/namespaces'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import type { LivingOwners } from '../owner.js'
import { ContainerIds } from './container-ids.js'
import type { UserNamespaceOption } from './option.js'

/**
 * Folder of the claims of ids. All instances of a host share it, wherever their folders are: their containers must not
 * overlap either.
 */
const folder = '/run/ctrjs-ids'

/**
 * The ids of a container, claimed by its id until {@link releaseIds}; undefined where it has none of its own.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: there are none for the user; `ERR_RUNTIME_START`: all are taken.
 */
export function claimIds(
  context: Context,
  id: string,
  option: UserNamespaceOption,
): ContainerIds | undefined {
  if (option === 'host') return undefined
  if (typeof option === 'object' && 'user' in option) {
    const remedy = `give ${option.user} more in /etc/subuid and /etc/subgid`
    return new ContainerIds(mapsOfUser(option.user), { remedy })
  }
  const pool = new IdPool({ folder })
  if (typeof option === 'object' && 'uid' in option) {
    pool.hold(option, claimName(context, id))
    return new ContainerIds(option, { remedy: 'map it, or run as another' })
  }
  const size = option === 'auto' ? undefined : option.size
  try {
    const { maps } = pool.claim({ size, name: claimName(context, id) })
    return new ContainerIds(maps, {
      remedy: 'ask for more ids: userNamespace { size }, --userns auto:size=N',
    })
  } catch (cause) {
    if (!isNamespacesError(cause)) throw cause
    throw new RuntimeError('ERR_RUNTIME_START', cause.message, { cause })
  }
}

/** The ids that a container would have, without claiming any; whose they are on the host is left open. */
export function plannedIds(option: UserNamespaceOption): ContainerIds | undefined {
  if (option === 'host') return undefined
  const size = typeof option === 'object' && 'size' in option ? option.size : 65_536
  const map = [{ inside: 0, outside: 0, size }]
  const own = typeof option === 'object' && 'uid' in option
  const maps = own ? option : { uid: map, gid: map }
  return new ContainerIds(maps, { remedy: 'ask for more ids' })
}

/** Gives the ids of a container back. Idempotent. */
export function releaseIds(context: Context, id: string): void {
  if (existsSync(folder)) new IdPool({ folder }).release(claimName(context, id))
}

/** Names of all claims of this instance. */
export function claimNames({ instance, rootless }: Context): readonly string[] {
  if (rootless !== undefined || !existsSync(folder)) return []
  const names = new IdPool({ folder }).claims().flatMap(({ owner: { name } }) => name ?? [])
  return names.filter((name) => name.startsWith(`${instance}-`))
}

/**
 * Gives back what was claimed for containers that are no more.
 *
 * @param names - Claims, listed before `living` and the records were.
 */
export function releaseUnused(context: Context, names: readonly string[], living: LivingOwners): void {
  if (names.length === 0) return
  const used = new Set([...living.claims, ...context.records.ids()].map((id) => claimName(context, id)))
  const pool = new IdPool({ folder })
  for (const name of names) if (!used.has(name)) pool.release(name)
}

/** Names have 64 characters at most: as much of the id as there is room for. */
function claimName({ instance }: Context, id: string): string {
  return `${instance}-${id}`.slice(0, 64)
}

function mapsOfUser(user: string): IdMaps {
  const { uid, gid } = subordinateIds(/^\d+$/.test(user) ? { uid: Number(user) } : { name: user, uid: -1 })
  if (uid.length > 0 && gid.length > 0) return { uid: inRow(uid), gid: inRow(gid) }
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot use the ids of user ${user}: /etc/subuid and /etc/subgid must have a line for it each, such as ${user}:231072:65536`,
  )
}

function inRow(ranges: readonly IdRange[]): IdMaps['uid'] {
  let inside = 0
  return ranges.map(({ first, size }) => {
    inside += size
    return { inside: inside - size, outside: first, size }
  })
}
