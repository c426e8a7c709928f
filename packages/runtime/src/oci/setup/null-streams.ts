import {
  F_SETFL,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  type Program,
} from '@ctr/linux'
import type { Descriptor } from './attach.js'

/**
 * Makes streams that lead to the host's `/dev/null` lead to the container's own: a checkpoint knows only files of
 * the container. Without one that can be opened they stay the host's.
 */
export function openNullStreams(program: Program, root: Descriptor, streams: readonly number[]): void {
  if (streams.length === 0) return
  program.step('open /dev/null of the container')
  const how = openHow({
    flags: O_RDWR + O_NOCTTY + O_NONBLOCK + O_CLOEXEC, // it may be something else that waits for another side
    resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS + RESOLVE_NO_SYMLINKS,
  })
  const opened = program.call('openat2', [root, '/dev/null', how, OPEN_HOW_SIZE], {
    tolerate: ['ENOENT', 'EACCES', 'ENXIO', 'ELOOP'],
  })
  program.call('fcntl', [opened, F_SETFL, O_RDWR], { tolerate: ['EBADF'] })
  for (const fd of streams) program.call('dup3', [opened, fd, 0], { tolerate: ['EBADF'] })
  program.call('close', [opened], { tolerate: ['EBADF'] })
}
