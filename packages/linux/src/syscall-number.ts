import { LinuxError } from './errors.js'
import { architecture } from './native.js'
import { arm64SyscallNumbers } from './syscall-numbers/arm64.js'
import { x86_64SyscallNumbers } from './syscall-numbers/x86-64.js'

/** Name of a system call that x86-64 or arm64 has. */
export type SyscallName = keyof typeof x86_64SyscallNumbers | keyof typeof arm64SyscallNumbers

const tables: Readonly<Record<'x64' | 'arm64', Readonly<Record<string, number>>>> = {
  x64: x86_64SyscallNumbers,
  arm64: arm64SyscallNumbers,
}

/**
 * Number of a system call on this machine's architecture.
 *
 * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: this architecture has no such call.
 */
export function syscallNumber(name: SyscallName): number {
  const table = tables[architecture()]
  const known = numbers.get(name)
  if (known !== undefined) return known
  const number = Object.hasOwn(table, name) ? table[name] : undefined
  if (number === undefined) {
    throw new LinuxError(
      'ERR_LINUX_INVALID_ARG',
      `cannot call ${name}: ${process.arch} has no such system call`,
    )
  }
  numbers.set(name, number)
  return number
}

/** Numbers that were asked for already: programs ask some hundred times for a container. */
const numbers = new Map<string, number>()
