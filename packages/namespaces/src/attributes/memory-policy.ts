import {
  MPOL_DEFAULT,
  MPOL_BIND,
  MPOL_INTERLEAVE,
  MPOL_WEIGHTED_INTERLEAVE,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
  MPOL_LOCAL,
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  Struct,
  type Program,
} from '@ctr/linux'
import { NamespacesError } from '../errors.js'
import { bitmapOf } from './bitmap.js'

const modes = {
  MPOL_DEFAULT,
  MPOL_BIND,
  MPOL_INTERLEAVE,
  MPOL_WEIGHTED_INTERLEAVE,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
  MPOL_LOCAL,
}

const modeFlags = { MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES, MPOL_F_STATIC_NODES }

/** NUMA policy of a process, see set_mempolicy(2). */
export interface MemoryPolicy {
  readonly mode: keyof typeof modes
  /** NUMA nodes by number. None for the modes that take none. */
  readonly nodes?: readonly number[] | undefined
  readonly flags?: readonly (keyof typeof modeFlags)[] | undefined
}

/**
 * Refuses nodes for a mode that takes none, and none for one that needs some.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_INVALID_ARG`
 */
export function checkMemoryPolicy({ mode, nodes = [] }: MemoryPolicy): void {
  const takesNone = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL'
  if (takesNone && nodes.length > 0) {
    throw invalid(`the mode requires 0 nodes but got ${nodes.length} (${mode})`)
  }
  if (!takesNone && mode !== 'MPOL_PREFERRED' && nodes.length === 0) {
    throw invalid(`the mode requires at least one node but got 0 (${mode})`)
  }
}

function invalid(what: string): NamespacesError {
  return new NamespacesError('ERR_NAMESPACES_INVALID_ARG', `invalid memory policy, ${what}`)
}

/**
 * Sets it, once the process is in its cgroups: nodes that their cpuset does not have fail with `EINVAL`.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/set_mempolicy.2.html}
 */
export function setMemoryPolicy(program: Program, { mode, nodes = [], flags = [] }: MemoryPolicy): void {
  const value = flags.reduce((sum, flag) => sum | modeFlags[flag], modes[mode])
  program.step('set the memory policy')
  if (nodes.length === 0) {
    program.call('set_mempolicy', [value, null, 0])
    return
  }
  const bitmap = bitmapOf(nodes)
  // the kernel takes one bit less than it is told
  program.call('set_mempolicy', [value, new Struct(bitmap, `[${nodes.join(', ')}]`), bitmap.length * 8 + 1])
}
