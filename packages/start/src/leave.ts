import { isNativeLoaded, syscall } from '@ctr/linux'

/**
 * Ends this process, after what is to be done at its exit.
 *
 * Node takes its engine apart before it ends, which costs as much as a command. None of that is done here: whoever
 * calls has written all output.
 */
export function leave(code: number): never {
  if (!isNativeLoaded()) process.exit(code) // little was done then, and to load what calls the kernel takes longer
  process.emit('exit', code)
  syscall('exit_group', code)
  throw new Error('exit_group returned')
}
