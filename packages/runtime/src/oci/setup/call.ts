import {
  CLONE_NEWNS,
  CLONE_NEWUSER,
  executeInChild,
  Fd,
  syscall,
  type SyscallArgument,
  type SyscallName,
} from '@ctr/linux'
import { openUserNamespace, ownIdMaps } from '@ctr/namespaces'

/** Makes a system call, or only notes it and says 0. */
export type Call = (name: SyscallName, ...args: SyscallArgument[]) => number

/** False where calls are only noted: then descriptors are none. */
export function isReal(call: Call): boolean {
  return call === syscall || asRoot.has(call)
}

const asRoot = new WeakSet<Call>()

/**
 * Makes system calls that an ordinary user may not make, each by a child that is root of a user namespace and has a
 * mount namespace like ours. What it opens is ours.
 */
export interface RootlessCalls extends Disposable {
  readonly call: Call
}

/** Opens the user namespace for such calls: the caller's id alone is mapped. */
export async function openRootlessCalls(): Promise<RootlessCalls> {
  const namespace = new Fd(await openUserNamespace(ownIdMaps()))
  const call: Call = (name, ...args) =>
    executeInChild((program) => {
      program.step('enter a user namespace').call('setns', [namespace.number, CLONE_NEWUSER])
      program.call('unshare', [CLONE_NEWNS])
      return program.step(undefined).call(name, args)
    })
  asRoot.add(call)
  return {
    call,
    [Symbol.dispose]() {
      namespace.close()
    },
  }
}
