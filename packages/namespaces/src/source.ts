import { closeSync, openSync } from 'node:fs'
import { NamespacesError } from './errors.js'
import { cloneFlag, namespaceKinds, procName, type NamespaceKind } from './kinds.js'

/**
 * Where a namespace of a new process comes from: a new one, that of a process, one that a file is pinned to,
 * or an open descriptor of either a namespace or (`pidfd`) a process. A kind that is not named is inherited.
 */
export type NamespaceSource =
  | 'new'
  | { readonly pid: number }
  | { readonly pidfd: number }
  | { readonly path: string }
  | { readonly fd: number }

/** The namespaces of a new process, by kind. */
export type NamespaceSources = Readonly<Partial<Record<NamespaceKind, NamespaceSource>>>

/** A descriptor to hand to setns(2), and the kinds that it stands for. */
export interface Join {
  readonly fd: number
  readonly kinds: readonly NamespaceKind[]
}

/** Sources with everything opened that is to be joined. */
export interface ResolvedSources extends Disposable {
  /** Kinds that are made anew. */
  readonly made: readonly NamespaceKind[]
  /** What is joined, in order. */
  readonly joins: readonly Join[]
}

/**
 * Opens what is to be joined. Kinds with the same pidfd are joined by one system call.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_NOT_FOUND`: no such process or file.
 */
export function resolveSources(sources: NamespaceSources): ResolvedSources {
  const made: NamespaceKind[] = []
  const joins: { fd: number; kinds: NamespaceKind[] }[] = []
  const opened: number[] = []
  const close = (): void => {
    for (const fd of opened.splice(0)) closeSync(fd)
  }
  const shared = new Map<number, NamespaceKind[]>()
  try {
    for (const kind of namespaceKinds) {
      const source = sources[kind]
      if (source === undefined) continue
      if (source === 'new') made.push(kind)
      else if ('fd' in source) joins.push({ fd: source.fd, kinds: [kind] })
      else if ('pidfd' in source) join(source.pidfd, kind)
      else {
        const fd = open(kind, 'path' in source ? source.path : `/proc/${source.pid}/ns/${procName[kind]}`)
        opened.push(fd)
        joins.push({ fd, kinds: [kind] })
      }
    }
  } catch (error) {
    close()
    throw error
  }
  return { made, joins, [Symbol.dispose]: close }

  function join(fd: number, kind: NamespaceKind): void {
    const kinds = shared.get(fd)
    if (kinds !== undefined) {
      kinds.push(kind)
      return
    }
    const first = [kind]
    shared.set(fd, first)
    joins.push({ fd, kinds: first })
  }
}

/** The `CLONE_NEW*` of several kinds together. */
export function flagsOf(kinds: readonly NamespaceKind[]): number {
  return kinds.reduce((flags, kind) => flags + cloneFlag[kind], 0)
}

function open(kind: NamespaceKind, path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new NamespacesError(
      'ERR_NAMESPACES_NOT_FOUND',
      `cannot join the ${kind} namespace ${path}: it cannot be opened`,
      {
        cause: error,
      },
    )
  }
}
