import * as linux from '@ctr/linux'
import { Struct, type Program } from '@ctr/linux'
import type { ConfigMemoryPolicy } from '../config/config.js'
import { invalidConfig } from '../config/invalid-config.js'
import { idBitmap, parseIdList } from './id-list.js'

/** NUMA nodes that a kernel can be built for, at most. */
const MAX_NODES = 1024

/**
 * Refuses nodes for a mode that takes none, and none for one that needs some.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`
 */
export function checkMemoryPolicy({ mode, nodes = '' }: ConfigMemoryPolicy): void {
  const count = nodesOf(nodes).length
  if ((mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL') && count > 0) {
    throw invalidConfig(`invalid memory policy, the mode requires 0 nodes but got ${count} (${mode})`)
  }
  const needed = mode !== 'MPOL_DEFAULT' && mode !== 'MPOL_LOCAL' && mode !== 'MPOL_PREFERRED'
  if (needed && count === 0) {
    throw invalidConfig(`invalid memory policy, the mode requires at least one node but got 0 (${mode})`)
  }
}

/**
 * Stage 2, before seccomp, for which the process must be in the container's cgroups: nodes that their cpuset does not
 * have fail with `EINVAL`.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/set_mempolicy.2.html}
 */
export function setMemoryPolicy(
  program: Program,
  { mode, nodes = '', flags = [] }: ConfigMemoryPolicy,
): void {
  const value = flags.reduce((sum, flag) => sum | linux[flag], linux[mode])
  const ids = nodesOf(nodes)
  program.step('set the memory policy')
  if (ids.length === 0) {
    program.call('set_mempolicy', [value, null, 0])
    return
  }
  const bitmap = idBitmap(ids)
  // the kernel takes one bit less than it is told
  program.call('set_mempolicy', [value, new Struct(bitmap, `[${nodes}]`), bitmap.length * 8 + 1])
}

function nodesOf(list: string): readonly number[] {
  return parseIdList('memory policy nodes', list, MAX_NODES - 1)
}
