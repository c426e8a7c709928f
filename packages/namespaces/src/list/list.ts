import { closeSync, fstatSync, openSync } from 'node:fs'
import { NamespacesError } from '../errors.js'
import type { NamespaceKind } from '../kinds.js'
import { pinnedPlaces, placesOfDescriptors, placesOfProcess, processes } from './places.js'
import { relationsOf, type Relations } from './relations.js'

/** A namespace, its members, and what it belongs to. */
export interface NamespaceInfo extends Relations {
  readonly kind: NamespaceKind
  /** Inode number: what tells namespaces of a kind apart on a host. */
  readonly id: number
  /** Process ids of its members that the caller may see, ascending. */
  readonly pids: readonly number[]
  /** Files that it is pinned to, in the caller's mount namespace. */
  readonly pins: readonly string[]
  /** Processes that have it open, ascending; with `descriptors` only. */
  readonly holders: readonly number[]
}

/** What to look at. */
export interface ListOptions {
  /** Look at all open descriptors of all processes, too, for namespaces that only they keep. Default false. */
  readonly descriptors?: boolean | undefined
}

interface Found {
  readonly kind: NamespaceKind
  readonly id: number
  readonly pids: number[]
  readonly pins: string[]
  readonly holders: Set<number>
  relations: Relations | undefined
}

const unknown: Relations = { userNamespace: undefined, parent: undefined, owner: undefined }

/**
 * Lists the namespaces that the caller may see, as lsns(8) does: those of processes, those that are pinned to files,
 * and the user and pid namespaces that these belong to. With `descriptors` those that are only open somewhere as well.
 *
 * Reads `/proc` once; processes that end meanwhile are left out. Of another user's processes an ordinary user sees
 * nothing.
 */
export function listNamespaces({ descriptors = false }: ListOptions = {}): NamespaceInfo[] {
  const all = new Map<string, Found>()
  for (const pid of processes()) {
    for (const { kind, id, path } of placesOfProcess(pid)) note(all, { kind, id, path }).pids.push(pid)
    if (!descriptors) continue
    for (const place of placesOfDescriptors(pid)) note(all, place).holders.add(pid)
  }
  for (const place of pinnedPlaces()) note(all, place).pins.push(place.path)
  return [...all.values()].map(({ kind, id, pids, pins, holders, relations = unknown }) => ({
    kind,
    id,
    ...relations,
    pids,
    pins,
    holders: [...holders],
  }))
}

/**
 * The namespaces of a process, by kind.
 *
 * @param pid - Process id; default this process.
 * @returns Inode numbers.
 * @throws {@link NamespacesError} `ERR_NAMESPACES_NOT_FOUND`: no such process, or the caller may not look at it.
 */
export function inspectNamespaces(
  pid: number | 'self' = 'self',
): Readonly<Partial<Record<NamespaceKind, number>>> {
  const places = placesOfProcess(pid)
  if (places.length > 0) return Object.fromEntries(places.map(({ kind, id }) => [kind, id]))
  throw new NamespacesError(
    'ERR_NAMESPACES_NOT_FOUND',
    `cannot inspect process ${pid}: it does not exist or belongs to another user`,
  )
}

/** Notes a namespace; the first time it is opened, for what it belongs to. */
function note(
  all: Map<string, Found>,
  { kind, id, path }: { readonly kind: NamespaceKind; readonly id: number; readonly path: string },
): Found {
  const found = entryOf(all, kind, id)
  if (found.relations !== undefined) return found
  const fd = tryOpen(path)
  if (fd === undefined) return found
  try {
    relate(all, found, fd)
  } finally {
    closeSync(fd)
  }
  return found
}

function entryOf(all: Map<string, Found>, kind: NamespaceKind, id: number): Found {
  const key = `${kind}:${id}`
  let found = all.get(key)
  if (found === undefined) {
    found = { kind, id, pids: [], pins: [], holders: new Set(), relations: undefined }
    all.set(key, found)
  }
  return found
}

/** What it belongs to is noted with it, up to the first one: nothing else may lead there. */
function relate(all: Map<string, Found>, found: Found, fd: number): void {
  if (fstatSync(fd).ino !== found.id) return // the process has ended, or has gone elsewhere
  found.relations = unknown // no circle
  found.relations = relationsOf(fd, found.kind, (related) => {
    const other = entryOf(all, related.kind, fstatSync(related.fd).ino)
    if (other.relations === undefined) relate(all, other, related.fd)
  })
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined // ended, or another user's
  }
}
