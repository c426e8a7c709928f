import { closeSync, openSync } from 'node:fs'
import { types } from 'node:util'
import { isSyscallError, setns, unshare } from '@ctr/linux'
import { NamespacesError } from './errors.js'
import { cloneFlag, procName, type NamespaceKind } from './kinds.js'
import { flagsOf, resolveSources, type NamespaceSource, type ResolvedSources } from './source.js'

/** Kinds that one thread may be in while the others are elsewhere. */
export type ThreadNamespaceKind = 'network' | 'uts' | 'ipc' | 'cgroup'

/** Namespaces for a callback, by kind. */
export type ThreadNamespaceSources = Readonly<Partial<Record<ThreadNamespaceKind, NamespaceSource>>>

/** Why the other kinds are not for a thread of Node (setns(2)). */
const refused: Readonly<Record<Exclude<NamespaceKind, ThreadNamespaceKind>, string>> = {
  mount: 'all threads of Node share their root and working directory',
  user: 'Node has several threads',
  pid: 'it would be that of children only, and no thread could begin meanwhile',
  time: 'Node has several threads',
}

/**
 * Calls a function while the calling thread, and no other, is in other namespaces: what it opens (sockets, devices)
 * and reads (`/proc/thread-self`) is theirs, and descriptors stay so. The thread always comes back before anything
 * else runs on it: the function is synchronous, and work that it begins elsewhere (promises, timers, asynchronous file
 * access) is not in there.
 *
 * Network, UTS, IPC and cgroup namespaces can be entered like this. For the others {@link spawn} a process.
 *
 * @param sources - What to enter; `'new'` makes one, which stays if the function keeps it (a descriptor, `pin`).
 * @param callback - Its result, or what it throws, is that of `enter`.
 * @throws {@link NamespacesError}
 *   - `ERR_NAMESPACES_INVALID_ARG`: a kind that one thread alone cannot be in, or a function that gave a promise.
 *   - `ERR_NAMESPACES_NOT_FOUND`: nothing there to enter.
 *   - `ERR_NAMESPACES_ENTER`: the kernel refuses (`cause`); the thread is where it was.
 *   - `ERR_NAMESPACES_STRANDED`: it could not come back. End the process: this thread is in the wrong place.
 * @see {@link https://man7.org/linux/man-pages/man2/setns.2.html}
 *
 * @example A raw socket of a container's network
 * const socket = enter({ network: { pid } }, () => openSocket())
 */
export function enter<Result>(sources: ThreadNamespaceSources, callback: () => Result): Result {
  checkKinds(sources)
  using resolved = resolveSources(sources)
  const home: { readonly kind: NamespaceKind; readonly fd: number }[] = []
  try {
    for (const kind of Object.keys(sources) as ThreadNamespaceKind[]) {
      if (sources[kind] !== undefined) home.push({ kind, fd: openOwn(kind) })
    }
    return visit(home, (left) => {
      enterAll(resolved, left)
      const result = callback()
      if (types.isPromise(result)) {
        result.catch(() => undefined)
        throw invalid('its function must be synchronous, and gave a promise, which goes on outside')
      }
      return result
    })
  } finally {
    for (const { fd } of home) closeSync(fd)
  }
}

function checkKinds(sources: ThreadNamespaceSources): void {
  for (const [kind, source] of Object.entries(sources) as [string, NamespaceSource | undefined][]) {
    if (source === undefined) continue
    const why = refused[kind as keyof typeof refused] as string | undefined
    if (why !== undefined)
      throw invalid(`a ${kind} namespace is not for one thread: ${why}; spawn a process in it`)
  }
}

function openOwn(kind: NamespaceKind): number {
  return openSync(`/proc/thread-self/ns/${procName[kind]}`, 'r')
}

/** Enters one after the other, and says which have been left for it, also where it fails on its way. */
function enterAll({ joins, made }: ResolvedSources, left: Set<NamespaceKind>): void {
  try {
    for (const { fd, kinds } of joins) {
      setns(fd, flagsOf(kinds))
      for (const kind of kinds) left.add(kind)
    }
    if (made.length === 0) return
    unshare(flagsOf(made))
    for (const kind of made) left.add(kind)
  } catch (cause) {
    if (!isSyscallError(cause)) throw cause
    throw new NamespacesError('ERR_NAMESPACES_ENTER', `cannot enter the namespaces: ${cause.message}`, {
      cause,
    })
  }
}

/** Comes back whatever happens, to as many namespaces as can be. */
function visit<Result>(
  home: readonly { readonly kind: NamespaceKind; readonly fd: number }[],
  stay: (left: Set<NamespaceKind>) => Result,
): Result {
  const left = new Set<NamespaceKind>()
  let outcome: { readonly result: Result } | { readonly error: unknown }
  try {
    outcome = { result: stay(left) }
  } catch (error) {
    outcome = { error }
  }
  const failures: unknown[] = []
  for (const { kind, fd } of home) {
    if (!left.has(kind)) continue // who may not enter it may not come back either, and need not
    try {
      setns(fd, cloneFlag[kind])
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) {
    throw new NamespacesError(
      'ERR_NAMESPACES_STRANDED',
      'cannot come back from the namespaces: this thread is in the wrong place, end the process',
      { cause: new AggregateError([...failures, ...('error' in outcome ? [outcome.error] : [])]) },
    )
  }
  if ('error' in outcome) throw outcome.error
  return outcome.result
}

function invalid(why: string): NamespacesError {
  return new NamespacesError('ERR_NAMESPACES_INVALID_ARG', `cannot enter the namespaces: ${why}`)
}
