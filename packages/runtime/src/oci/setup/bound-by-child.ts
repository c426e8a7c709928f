import { lstatSync, readFileSync, statSync, type Stats } from 'node:fs'
import { MS_REC } from '@ctr/linux'
import type { Config } from '../config/config.js'
import { hasOwn, makesNew } from '../namespaces.js'
import { bindOf, type ParsedMount } from './mount-rules.js'
import { cannotOpen, treeFlags } from './open-tree.js'
import type { MountMaking } from './plan.js'
import { within } from './root-view.js'

/**
 * True where the child sees the same of the host as we do and may do the same: it has a new mount namespace, and no
 * user namespace, nor have we. What a path in `/proc` means depends on who uses it.
 */
export function canChildBind({ linux }: Config, source: string): boolean {
  return (
    makesNew(linux, 'mount') && !hasOwn(linux, 'user') && !within(source, '/proc') && inFirstUserNamespace()
  )
}

/**
 * A bind for the child to make.
 *
 * @param base - `MS_*` that it begins with.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: its source is not there.
 */
export function boundByChild(parsed: ParsedMount, source: string, base: number): MountMaking {
  const { mount, options } = parsed
  let stats: Stats
  try {
    stats = options.sourceNoFollow ? lstatSync(source) : statSync(source)
  } catch (cause) {
    throw cannotOpen(source, `the source of ${mount.destination}`, cause as NodeJS.ErrnoException)
  }
  const flags = treeFlags(options, bindOf(parsed) === 'rbind')
  const kind = stats.isDirectory() ? 'folder' : 'file'
  return { how: 'bound', source, flags, kind, propagation: [base | MS_REC, ...options.propagation] }
}

let first: boolean | undefined

function inFirstUserNamespace(): boolean {
  first ??= /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
  return first
}
