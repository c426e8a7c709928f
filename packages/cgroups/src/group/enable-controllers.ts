import { join } from 'node:path'
import { CgroupError, isCgroupError } from '../errors.js'
import { readFileIfThere, readInterfaceFile, writeInterfaceFile } from '../kernel/interface-file.js'

/** The controllers of v2 that this package has resources or figures of. Others are left alone. */
export const usedOnV2: readonly string[] = [
  'cpuset',
  'cpu',
  'io',
  'memory',
  'hugetlb',
  'pids',
  'rdma',
  'misc',
]

const CONTROL = 'cgroup.subtree_control'

/**
 * Hands a v2 group's controllers on to its children (`cgroup.subtree_control`): those of {@link usedOnV2} that it
 * has, so that statistics are whole, and without fail those in `required`.
 *
 * @param folder - Folder of the group whose children shall have them.
 * @param required - Controllers that must be handed on.
 * @param used - Those that are handed on where the group has them.
 * @throws {@link CgroupError}
 *   - `ERR_CGROUP_NO_CONTROLLER`: the group does not have one of `required` itself.
 *   - `ERR_CGROUP_BUSY`: the group holds processes, and v2 lets only groups without any hand controllers on.
 * @see {@link https://docs.kernel.org/admin-guide/cgroup-v2.html#no-internal-process-constraint}
 */
export function enableControllers(
  folder: string,
  required: readonly string[],
  used: readonly string[] = usedOnV2,
): void {
  const enabled = words(readInterfaceFile(join(folder, CONTROL)))
  if ([...used, ...required].every((name) => enabled.includes(name))) return
  const here = words(readInterfaceFile(join(folder, 'cgroup.controllers')))
  const missing = required.filter((name) => !here.includes(name))
  if (missing.length > 0) {
    throw new CgroupError(
      'ERR_CGROUP_NO_CONTROLLER',
      `cannot limit ${missing.join(', ')} below ${folder}: the group has only ${here.join(', ') || 'no controllers'}`,
      { path: folder },
    )
  }
  const wanted = here.filter((name) => [...used, ...required].includes(name) && !enabled.includes(name))
  if (wanted.length === 0) return
  const failed = enable(folder, wanted)
  if (failed === undefined) return
  // A group that holds processes can hand on those of threads (`cpu`, `cpuset`, `pids`), one by one. That turns it
  // into the top of threaded groups, and then no process can join the group below.
  if (failed.errno === 'EBUSY') {
    const needed = wanted.filter((name) => required.includes(name))
    if (needed.length === 0) return
    throw explain(folder, needed.join(', '), failed)
  }
  // one may be refused for reasons of its own (`cpu` while real-time processes run): try each alone
  for (const name of wanted) {
    const error = wanted.length === 1 ? failed : enable(folder, [name])
    if (error !== undefined && required.includes(name)) throw error
  }
}

/** Whether a v2 group is there and hands on these controllers. */
export function handsOn(folder: string, controllers: readonly string[]): boolean {
  const enabled = readFileIfThere(join(folder, CONTROL))
  return enabled !== undefined && controllers.every((name) => words(enabled).includes(name))
}

function enable(folder: string, names: readonly string[]): CgroupError | undefined {
  try {
    writeInterfaceFile(join(folder, CONTROL), names.map((name) => `+${name}`).join(' '))
    return undefined
  } catch (error) {
    if (!isCgroupError(error)) throw error
    return error
  }
}

function explain(folder: string, names: string, error: CgroupError): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_BUSY',
    `cannot enable ${names} below ${folder}: the group holds processes itself, move them into a child group first`,
    { path: error.path, value: error.value, errno: error.errno, cause: error },
  )
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean)
}
