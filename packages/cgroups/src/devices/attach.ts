import { constants, openSync } from 'node:fs'
import { Fd } from '@ctr/linux'
import { isCgroupError } from '../errors.js'
import { pathError } from '../kernel/errno.js'
import {
  attachedPrograms,
  attachProgram,
  detachProgram,
  loadDeviceProgram,
  openProgram,
  PROGRAM_NAME,
  programName,
} from './bpf.js'

/**
 * Makes a program the device rules of a v2 group, in the place of what this package attached earlier: by one atomic
 * replacement, so that at no moment more or less is allowed than before or after. Programs of others stay, and what
 * any of them forbids is forbidden. The kernel keeps the program as long as the group.
 *
 * @param folder - Folder of the group in the unified hierarchy.
 * @param instructions - What `deviceProgram` gave.
 * @throws {@link CgroupError}
 *   - `ERR_CGROUP_PERMISSION`: not root, nor `CAP_BPF` and `CAP_NET_ADMIN`.
 *   - `ERR_CGROUP_UNSUPPORTED`: a kernel without `CONFIG_CGROUP_BPF`.
 */
export function attachDeviceProgram(folder: string, instructions: Uint8Array): void {
  using program = loadDeviceProgram(instructions)
  using group = openFolder(folder)
  const earlier = ours(group)
  try {
    attachProgram(group, program, earlier.at(-1))
    // more than one is there only when an earlier update was interrupted
    for (const old of earlier.slice(0, -1)) detachProgram(group, old)
  } finally {
    for (const old of earlier) old.close()
  }
}

/** The group's programs that this package loaded; the caller closes them. */
function ours(group: Fd): Fd[] {
  const found: Fd[] = []
  for (const id of attachedPrograms(group)) {
    const program = openUnlessGone(id)
    if (program === undefined) continue
    if (programName(program) === PROGRAM_NAME) found.push(program)
    else program.close()
  }
  return found
}

/** Somebody else may detach a program between listing and opening it. */
function openUnlessGone(id: number): Fd | undefined {
  try {
    return openProgram(id)
  } catch (error) {
    if (isCgroupError(error) && error.errno === 'ENOENT') return undefined
    throw error
  }
}

function openFolder(folder: string): Fd {
  try {
    return new Fd(openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY))
  } catch (error) {
    throw pathError('open', folder, error)
  }
}
