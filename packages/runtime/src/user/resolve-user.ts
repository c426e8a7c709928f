import { RuntimeError } from '../errors.js'
import { groupEntries, MAX_ID, parseId, type PasswdEntry, passwdEntries } from './account-files.js'

/** The account files of a container, as text. A file that is not there is an empty text. */
export interface AccountFiles {
  /** `/etc/passwd` of the container. */
  readonly passwd: string
  /** `/etc/group` of the container. */
  readonly group: string
}

/** Options of {@link resolveUser}. */
export interface ResolveUserOptions extends AccountFiles {
  /** Groups beyond those of the user, names or gids, as `docker run --group-add`. */
  readonly additionalGroups?: readonly string[] | undefined
}

/** Who a process of the container runs as. */
export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  /** For setgroups(2): the group itself first, then the others, each once. */
  readonly additionalGids: readonly number[]
  /** Home directory, `/` when the user has no entry or an empty one. */
  readonly home: string
}

// NGROUPS_MAX of linux/limits.h
const MAX_GROUPS = 65_536

/**
 * Finds out who `user`, `uid`, `user:group`, `uid:gid` and mixes of these are in a container, by Docker's rules.
 *
 * - Digits alone are an id, never a name. An id needs no entry; a user id without one has group 0.
 * - Of several entries the first counts. An empty user is uid 0.
 * - Without `:group` the user's own group counts, and the groups that list the user are added; with it, they are not.
 *
 * Pure: the files' text is hostile input from an image, and is read under the bounds of {@link passwdEntries}.
 *
 * @param user - As in an image's `USER` or `docker run --user`; what follows a second colon is ignored.
 * @throws {@link RuntimeError}
 *   - `ERR_RUNTIME_USER_NOT_FOUND`: a name has no entry.
 *   - `ERR_RUNTIME_INVALID_ARG`: an id is not in 0 to 2147483647, or there are more than 65536 groups.
 *
 * @example
 * resolveUser('app', { passwd: 'app:x:1000:100::/home/app:/bin/sh\n', group: 'web:x:33:app\n' })
 * // { uid: 1000, gid: 100, additionalGids: [100, 33], home: '/home/app' }
 */
export function resolveUser(user: string, options: ResolveUserOptions): ResolvedUser {
  const [userText = '', groupText = ''] = user.split(':', 2)
  const wanted = idOf(userText === '' ? '0' : userText)
  const wantedGroup = idOf(groupText)
  const entry = findUser(wanted ?? userText, options.passwd)
  if (entry === undefined && wanted === undefined) {
    throw notFound('user', userText, 'passwd')
  }
  const groups =
    groupText === ''
      ? { gid: entry?.gid ?? 0, others: entry === undefined ? [] : groupsOf(entry.name, options.group) }
      : { gid: findGroup(wantedGroup ?? groupText, options.group), others: [] }
  const extra = (options.additionalGroups ?? []).map((text) => findGroup(idOf(text) ?? text, options.group))
  const additionalGids = [...new Set([groups.gid, ...groups.others, ...extra])]
  if (additionalGids.length > MAX_GROUPS) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot use user ${JSON.stringify(user)}: at most ${MAX_GROUPS} groups, got ${additionalGids.length}`,
    )
  }
  return { uid: entry?.uid ?? wanted ?? 0, gid: groups.gid, additionalGids, home: homeOf(entry) }
}

function findUser(wanted: number | string, passwd: string): PasswdEntry | undefined {
  for (const entry of passwdEntries(passwd)) {
    if (typeof wanted === 'number' ? entry.uid === wanted : entry.name === wanted) return entry
  }
  return undefined
}

function findGroup(wanted: number | string, group: string): number {
  if (typeof wanted === 'number') return wanted
  for (const entry of groupEntries(group)) if (entry.name === wanted && wanted !== '') return entry.gid
  throw notFound('group', wanted, 'group')
}

function groupsOf(name: string, group: string): readonly number[] {
  const gids = new Set<number>()
  // an entry with no name is nobody's: an empty member list must not match it
  if (name === '') return []
  for (const entry of groupEntries(group)) if (entry.members.includes(name)) gids.add(entry.gid)
  return [...gids]
}

// An environment cannot hold NUL.
function homeOf(entry: PasswdEntry | undefined): string {
  return entry === undefined || entry.home === '' || entry.home.includes('\0') ? '/' : entry.home
}

// undefined for a name
function idOf(text: string): number | undefined {
  const id = parseId(text)
  if (id !== 'out of range') return id
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot use id ${shown(text)}: uids and gids must be in range 0-${MAX_ID}`,
  )
}

function notFound(what: 'user' | 'group', name: string, file: 'passwd' | 'group'): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_USER_NOT_FOUND',
    `unable to find ${what} ${shown(name)}: no matching entries in ${file} file`,
  )
}

// A name comes from an image: no control characters, and not without end, in a message.
function shown(name: string): string {
  const plain = name.replace(/\p{Cc}/gu, '?')
  return plain.length > 64 ? `${plain.slice(0, 64)}…` : plain
}
