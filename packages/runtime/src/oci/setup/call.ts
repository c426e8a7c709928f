import { syscall, type SyscallArgument, type SyscallName } from '@ctr/linux'

/** Makes a system call, or only notes it and says 0. */
export type Call = (name: SyscallName, ...args: SyscallArgument[]) => number

/** False where calls are only noted: then descriptors are none. */
export function isReal(call: Call): boolean {
  return call === syscall
}
