import { closeFd } from '../calls/descriptors.js'
import { CLONE_FILES } from '../constants/namespace.js'
import { giveBack } from '../memory.js'
import { native } from '../native.js'
import type { SyscallName } from '../syscall-number.js'
import { Ref } from './argument.js'
import { compile, currentEntry, resultAt, type Compiled } from './compile.js'
import { concludeEnded } from './conclude.js'
import { childBegins, childEnded } from './on-their-way.js'
import { Program } from './program.js'
import { cloneFailure } from './start.js'

/**
 * Executes a program in a child that shares this process's memory and descriptors, and waits for it on the calling
 * thread: what the child opens is open here, what it changes about itself (namespaces, ids, its root) ends with it.
 * This is how one call is made with the privileges of a user namespace, which a process of several threads cannot
 * enter itself. Costs a tenth of a millisecond.
 *
 * The child must not come to wait for anything that this process would have to do. It must not enter a pid
 * namespace, nor any namespace in which somebody who is not trusted has privileges over it.
 *
 * @param fill - Adds the entries, and gives back the one whose result is wanted.
 * @returns Its result.
 * @throws {@link SyscallError} The first entry that failed; descriptors that earlier ones have opened are closed.
 * @throws {@link LinuxError} `ERR_LINUX_CHILD_DIED`: the child was killed.
 */
export function executeInChild(fill: (program: Program) => Ref): number {
  const program = new Program()
  const wanted = fill(program)
  program.step(undefined).call('exit_group', [0])
  const clone = { flags: CLONE_FILES }
  const compiled = compile(program, clone)
  try {
    childBegins()
    try {
      const result = native().run(compiled.block.address)
      if (result < 0) throw cloneFailure(-result, clone)
      return concludeEnded(program, compiled).get(wanted)
    } catch (error) {
      closeOpened(program, compiled)
      throw error
    } finally {
      childEnded()
    }
  } finally {
    giveBack(compiled.block)
  }
}

const opening: ReadonlySet<SyscallName> = new Set<SyscallName>([
  'openat',
  'openat2',
  'open_tree',
  'fsopen',
  'fsmount',
])

/** Of a program that came to no end; what it has closed itself is not closed again. */
function closeOpened({ entries }: Program, { block }: Compiled): void {
  const executed = entries.slice(0, currentEntry(block))
  executed.forEach(({ call }, index) => {
    const fd = resultAt(block, index)
    if (!opening.has(call) || fd < 0) return
    const isClosed = executed.some(
      ({ call: later, args: [target] }) =>
        later === 'close' && target instanceof Ref && target.entry === index,
    )
    if (!isClosed) closeFd(fd)
  })
}
