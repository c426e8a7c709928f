import {
  CLONE_NEWUSER,
  executeInChild,
  OPEN_HOW_SIZE,
  openHow,
  PR_SET_DUMPABLE,
  type Program,
  type Ref,
} from '@ctr/linux'
import { O_CLOEXEC, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '@ctr/linux'
import { kernelString, type ByteString } from './byte-string.js'

/**
 * openat2(2) below a folder that only members of a user namespace can come to, as what fuse-overlayfs mounts: a child
 * enters it for the call. It hides the memory that it shares with us first, since processes that are not trusted may
 * have privileges in there.
 *
 * @param root - Descriptor of the folder, which is treated as the root: no link leads out, those of /proc lead nowhere.
 * @param userNamespace - Descriptor of the user namespace.
 */
export function openInside(root: number, path: ByteString, flags: number, userNamespace: number): number {
  const how = openHow({ flags: flags | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS })
  return inside(userNamespace, (program) =>
    program.call('openat2', [root, kernelString(path === '' ? '.' : path), how, OPEN_HOW_SIZE]),
  )
}

/** Makes system calls as root of such a user namespace; descriptors that they open are ours. */
export function inside(userNamespace: number, fill: (program: Program) => Ref): number {
  return executeInChild((program) => {
    program.step('protect the process').call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
    program.step('enter the user namespace').call('setns', [userNamespace, CLONE_NEWUSER])
    return fill(program.step(undefined))
  })
}
