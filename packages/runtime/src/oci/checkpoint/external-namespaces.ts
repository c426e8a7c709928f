import { closeSync, openSync, statSync } from 'node:fs'
import { procName } from '@ctr/namespaces'
import { RuntimeError } from '../../errors.js'
import type { Config, ConfigNamespace } from '../config/config.js'
import type { CriuInheritFd, CriuJoinNamespace } from './criu-messages.js'
import { CriuSession } from './criu-session.js'

// Namespaces that the container joined: CRIU leaves network and pid namespaces as they are and knows them by a key,
// the same at the checkpoint and at the restore. The others it saves, and can join one of its kind at the restore.
const keys: ReadonlyMap<string, string> = new Map([
  ['network', 'extRootNetNS'],
  ['pid', 'extRootPidNS'],
])

/**
 * Namespaces of others, for a checkpoint.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CHECKPOINT`: one is gone.
 */
export function externalNamespaces(config: Config): string[] {
  return joined(config).flatMap(({ type, path }) => {
    const key = keys.get(type)
    return key === undefined ? [] : [`${procName[type]}[${inodeOf(type, path)}]:${key}`]
  })
}

/** Namespaces of others, for a restore. */
export interface NamespacesToJoin extends Disposable {
  /** Descriptors that CRIU is to have, see {@link CriuSession.start}. */
  readonly fds: readonly number[]
  readonly inherited: readonly CriuInheritFd[]
  readonly joins: readonly CriuJoinNamespace[]
}

/**
 * Opens the namespaces that a restored container is to be in.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CHECKPOINT`: one is gone, or is of a kind that CRIU cannot join.
 */
export function openNamespaces(config: Config): NamespacesToJoin {
  const fds: number[] = []
  const close = (): void => {
    for (const fd of fds) closeSync(fd)
  }
  try {
    const inherited: CriuInheritFd[] = []
    const joins: CriuJoinNamespace[] = []
    for (const { type, path } of joined(config)) {
      inodeOf(type, path)
      const key = keys.get(type)
      if (key !== undefined) {
        inherited.push({ key, fd: CriuSession.fdAt(fds.length) })
        fds.push(openSync(path, 'r'))
      } else if (type === 'cgroup') {
        throw cannotJoin(type, path, 'CRIU cannot join cgroup namespaces')
      } else joins.push({ ns: procName[type], ns_file: path })
    }
    return { fds, inherited, joins, [Symbol.dispose]: close }
  } catch (error) {
    close()
    throw error
  }
}

function joined({ linux }: Config): (ConfigNamespace & { readonly path: string })[] {
  return (linux?.namespaces ?? []).flatMap(({ type, path }) => (path === undefined ? [] : [{ type, path }]))
}

function inodeOf(type: string, path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw cannotJoin(type, path, 'there is none')
  return stats.ino
}

function cannotJoin(type: string, path: string, why: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_CHECKPOINT', `cannot use the ${type} namespace ${path}: ${why}`)
}
