import { syscall } from '@ctr/linux'

/**
 * Ends this process, after what is to be done at its exit.
 *
 * Node takes its engine apart before it ends, which costs as much as a command. None of that is done here: all output
 * is written when it is printed.
 */
export function leave(code: number): never {
  process.emit('exit', code)
  syscall('exit_group', code)
  throw new Error('exit_group returned')
}
