import { readdirSync, readlinkSync } from 'node:fs'
import { NamespacesError } from './errors.js'
import { namespaceKinds, procName, type NamespaceKind } from './kinds.js'

/** A namespace that has processes in it. */
export interface NamespaceInfo {
  readonly kind: NamespaceKind
  /** Inode number: what tells namespaces of a kind apart on a host. */
  readonly id: number
  /** Process ids of its members that the caller may see, ascending. */
  readonly pids: readonly number[]
}

/**
 * Lists the namespaces of all processes that the caller may look at, as lsns(8) does.
 *
 * Reads `/proc` once; processes that end meanwhile are left out.
 */
export function listNamespaces(): NamespaceInfo[] {
  const found = new Map<string, { kind: NamespaceKind; id: number; pids: number[] }>()
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid))
  for (const pid of pids.sort((a, b) => a - b)) {
    for (const kind of namespaceKinds) {
      const id = tryId(pid, kind)
      if (id === undefined) continue
      const key = `${kind}:${id}`
      const known = found.get(key)
      if (known === undefined) found.set(key, { kind, id, pids: [pid] })
      else known.pids.push(pid)
    }
  }
  return [...found.values()]
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
  const ids: Partial<Record<NamespaceKind, number>> = {}
  for (const kind of namespaceKinds) {
    const id = tryId(pid, kind)
    if (id !== undefined) ids[kind] = id
  }
  if (Object.keys(ids).length === 0) {
    throw new NamespacesError(
      'ERR_NAMESPACES_NOT_FOUND',
      `cannot inspect process ${pid}: it does not exist or belongs to another user`,
    )
  }
  return ids
}

function tryId(pid: number | 'self', kind: NamespaceKind): number | undefined {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/${procName[kind]}`))?.[1])
  } catch {
    return undefined // ended, another user's, or a kernel without this kind
  }
}
