import { pidfdSendSignal } from '@ctr/linux'
import {
  inspectNamespaces,
  isNamespacesError,
  type IdMaps,
  type NamespaceKind,
  type NamespaceSources,
} from '@ctr/namespaces'
import { RuntimeError } from '../errors.js'
import type { Config, ConfigIdMapping, ConfigLinux } from './config/config.js'
import type { ConfigProcess } from './config/config-process.js'
import { invalidConfig } from './config/invalid-config.js'

/** The namespaces of a config as `spawn` takes them; the names are the same. */
export function namespacesOf(linux: ConfigLinux | undefined): NamespaceSources {
  return Object.fromEntries(
    (linux?.namespaces ?? []).map(({ type, path }) => [
      type,
      path === undefined || path === '' ? 'new' : { path },
    ]),
  )
}

/** True when the container is to have a new namespace of a kind. */
export function makesNew(linux: ConfigLinux | undefined, kind: NamespaceKind): boolean {
  return (
    linux?.namespaces?.some(({ type, path }) => type === kind && (path === undefined || path === '')) ?? false
  )
}

/** True when the container has a namespace of a kind that is not the runtime's, new or joined. */
export function hasOwn(linux: ConfigLinux | undefined, kind: NamespaceKind): boolean {
  return linux?.namespaces?.some(({ type }) => type === kind) ?? false
}

/** Id maps of a config as `spawn` takes them. */
export function idMapsOf(uid: readonly ConfigIdMapping[], gid: readonly ConfigIdMapping[]): IdMaps {
  const map = (mappings: readonly ConfigIdMapping[]): IdMaps['uid'] =>
    mappings.map(({ containerID, hostID, size }) => ({ inside: containerID, outside: hostID, size }))
  return { uid: map(uid), gid: map(gid) }
}

/**
 * Kinds of namespaces in which a process is not where we are: those to join to be where it is. A process that ends
 * has none any more, and its number may soon be that of one of the host: neither must look like a container that
 * shares all of ours.
 *
 * @param pidfd - Of the same process.
 * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`: it has ended.
 */
export function foreignNamespaces(pid: number, pidfd: number): NamespaceKind[] {
  const ours = inspectNamespaces()
  const theirs = tryInspect(pid)
  const kinds = Object.keys(ours) as NamespaceKind[]
  if (kinds.some((kind) => theirs[kind] === undefined) || !pidfdSendSignal(pidfd, 0)) {
    throw new RuntimeError('ERR_RUNTIME_NOT_RUNNING', 'cannot join the container: its process has ended')
  }
  return kinds.filter((kind) => ours[kind] !== theirs[kind])
}

function tryInspect(pid: number): ReturnType<typeof inspectNamespaces> {
  try {
    return inspectNamespaces(pid)
  } catch (error) {
    if (isNamespacesError(error)) return {}
    throw error
  }
}

/**
 * The caller's groups stay: by crun's annotation for containers of a user, for files that belong to them; and where
 * an ordinary user has mapped its own group alone, for which the kernel wants `setgroups` denied.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: groups are asked for that cannot be had.
 */
export function keepsGroups(
  { annotations, linux }: Pick<Config, 'annotations' | 'linux'>,
  { additionalGids = [] }: Pick<ConfigProcess['user'], 'additionalGids'>,
): boolean {
  if (annotations?.['run.oci.keep_original_groups'] === '1') return true
  const [only, ...others] = linux?.gidMappings ?? []
  const denied = process.geteuid?.() !== 0 && only?.size === 1 && others.length === 0
  if (denied && additionalGids.length > 0)
    throw invalidConfig('process.user.additionalGids cannot be had: linux.gidMappings has one group alone')
  return denied
}
