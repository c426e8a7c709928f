import { constants, fstatSync } from 'node:fs'
import type { Program } from '@ctr/linux'
import type { Stdio } from '../setup/stdio.js'

/**
 * Standard streams that a process of another user is to own, because it could not open `/dev/stdout` otherwise: pipes,
 * sockets and files. Devices are left alone, they may be in use by others: `/dev/null`, the terminal of a caller.
 *
 * @returns Their numbers, 0 to 2.
 */
export function streamsToOwn(stdio: readonly [Stdio, Stdio, Stdio]): readonly number[] {
  return [0, 1, 2].filter((target) => {
    const stream = stdio[target]!
    if (stream === 'ignore' || stream === 'pipe') return stream === 'pipe'
    const { mode } = fstatSync(stream === 'inherit' ? target : stream)
    return (mode & constants.S_IFMT) !== constants.S_IFCHR
  })
}

/**
 * Gives them to the user of the process, while it is privileged. Where that is not possible (an owner that the user
 * namespace does not have, a read-only file system) they stay as they are, and can be used as they are open.
 */
export function ownStreams(
  program: Program,
  streams: readonly number[],
  { uid, gid }: { readonly uid: number; readonly gid: number },
): void {
  if (uid === 0 || streams.length === 0) return
  program.step('own the standard streams')
  for (const stream of streams) {
    program.call('fchown', [stream, uid, gid], { tolerate: ['EINVAL', 'EPERM', 'EROFS'] })
  }
}
