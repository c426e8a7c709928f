import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

/** Ids that follow each other. */
export interface IdRange {
  readonly first: number
  /** How many, at least one. */
  readonly size: number
}

/** Ids that a user may map into user namespaces beside its own; see subuid(5) and subgid(5). */
export interface SubordinateIds {
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
}

/** Whose subordinate ids, and where they are written down. */
export interface SubordinateOptions {
  /** User id. Default: the caller's. */
  readonly uid?: number | undefined
  /** Name of the user. Default: found in the host's list of users; undefined and not found leaves the number. */
  readonly name?: string | undefined
  /** Folder of `subuid`, `subgid` and `passwd`. Default `/etc`. */
  readonly folder?: string | undefined
}

/**
 * Reads which ids a user may map into user namespaces: all ranges of `/etc/subuid` and `/etc/subgid` that name the
 * user, or give its number. Both files name users, never groups. Ranges that touch or overlap come as one.
 *
 * A list elsewhere (the `subid` entry of nsswitch.conf(5), as for LDAP) is not read.
 *
 * @returns Empty lists where there are none.
 */
export function subordinateIds(options: SubordinateOptions = {}): SubordinateIds {
  const { folder = '/etc', uid = process.geteuid?.() ?? 0 } = options
  const name = options.name ?? nameOf(uid, folder)
  const of = (file: string): readonly IdRange[] =>
    joined(
      parseSubordinate(readOptional(`${folder}/${file}`))
        .filter(({ user }) => user === name || user === String(uid))
        .map(({ range }) => range),
    )
  return { uid: of('subuid'), gid: of('subgid') }
}

/** A line of `/etc/subuid` or `/etc/subgid`. */
export interface SubordinateEntry {
  /** Name or number. */
  readonly user: string
  readonly range: IdRange
}

/** Reads the lines `USER:FIRST:COUNT`. What is none, or goes beyond 32 bits, is left out, as newuidmap(1) does. */
export function parseSubordinate(text: string): SubordinateEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([^:#\s][^:]*):(\d{1,10}):(\d{1,10})$/.exec(line.trim())
    if (match === null) return []
    const [first, size] = [Number(match[2]), Number(match[3])]
    return size > 0 && first + size <= 2 ** 32 - 1 ? [{ user: match[1]!, range: { first, size } }] : []
  })
}

/** The same ids in ascending order, in as few ranges as can be. */
export function joined(ranges: readonly IdRange[]): IdRange[] {
  const result: { first: number; size: number }[] = []
  for (const { first, size } of [...ranges].sort((a, b) => a.first - b.first)) {
    const last = result.at(-1)
    if (last === undefined || first > last.first + last.size) result.push({ first, size })
    else last.size = Math.max(last.size, first + size - last.first)
  }
  return result
}

function nameOf(uid: number, folder: string): string | undefined {
  if (folder === '/etc' && uid === process.geteuid?.()) return ownName()
  const line = readOptional(`${folder}/passwd`)
    .split('\n')
    .find((each) => each.split(':')[2] === String(uid))
  return line?.split(':')[0]
}

/** Where the users of a host come from elsewhere than a file, libc knows. */
function ownName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined // a number without a user
  }
}

/** What cannot be read gives nothing. */
function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EACCES') return ''
    throw error
  }
}
