import type { SyscallArgument, SyscallName } from '@ctr/linux'

/** Makes a system call, or only notes it. */
export type Call = (name: SyscallName, ...args: SyscallArgument[]) => number
