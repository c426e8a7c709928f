import { errnoNumber } from './errno.js'
import { SyscallError } from './errors.js'
import { giveBack, takeBlock } from './memory.js'
import { native } from './native.js'
import { Ref, roomFor, Writer, type Argument } from './program/argument.js'
import { describeArguments } from './program/explain.js'
import { control, entry } from './program/layout.js'
import { checkCount } from './program/program.js'
import { syscallNumber, type SyscallName } from './syscall-number.js'

/** An argument of a single call: anything that a program takes, but no reference to another entry. */
export type SyscallArgument = Exclude<Argument, Ref>

const EINTR = 4

/** Calls that have taken effect when they report an interruption: close(2), connect(2). */
const neverAgain: ReadonlySet<SyscallName> = new Set<SyscallName>(['close', 'connect'])

/**
 * Makes one system call on the calling thread. Interrupted calls are made again, but for `close` and
 * `connect`, which go on in spite of `EINTR`.
 *
 * @param call - Name of the system call, as in its man page.
 * @param args - Its arguments: strings are handed over NUL-terminated, byte arrays by address, `out(bytes)`
 *   for what the kernel fills.
 * @returns What the call returned.
 * @throws {@link SyscallError} when the kernel refuses.
 * @throws {@link LinuxError} `ERR_LINUX_INVALID_ARG`: a NUL byte in a string, a number that is no integer, or
 *   more than six arguments.
 */
export function syscall(call: SyscallName, ...args: readonly SyscallArgument[]): number {
  const result = tryCall(call, args)
  if (result >= 0) return result
  throw new SyscallError({ errno: -result, syscall: call, args: describeArguments({ call, args }) })
}

/**
 * Makes one system call; errors that are expected are results.
 *
 * @param expected - Names of errors to return instead of throwing.
 * @returns What the call returned, or the name of the error.
 * @throws {@link SyscallError} for any other error.
 */
export function syscallOr<Name extends string>(
  expected: readonly Name[],
  call: SyscallName,
  ...args: readonly SyscallArgument[]
): number | Name {
  const result = tryCall(call, args)
  if (result >= 0) return result
  const name = expected.find((candidate) => errnoNumber(candidate) === -result)
  if (name !== undefined) return name
  throw new SyscallError({ errno: -result, syscall: call, args: describeArguments({ call, args }) })
}

/** Makes the call in a block laid out as a program of one entry, and again while it is interrupted. */
function tryCall(call: SyscallName, args: readonly SyscallArgument[]): number {
  checkCount(call, args.length)
  const first = control.size
  const data = first + entry.size
  const block = takeBlock(data + roomFor(args))
  try {
    block.words.fill(0, 0, data >> 2)
    const writer = new Writer(block, data)
    writer.word(control.entries, block.address + first)
    writer.word(control.end, block.address + data)
    block.words[(first + entry.call) >> 2] = syscallNumber(call)
    for (let index = 0; index < args.length; index++) {
      writer.argument(first + entry.arguments + index * 8, args[index]!)
    }
    const kernel = native()
    let result: number
    do {
      kernel.run(block.address)
      const at = (first + entry.result) >> 2
      result = (block.words[at + 1]! | 0) * 2 ** 32 + block.words[at]!
    } while (result === -EINTR && !neverAgain.has(call))
    writer.copyBack()
    return result
  } finally {
    giveBack(block)
  }
}
