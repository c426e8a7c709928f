import { constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { Fd, O_PATH, openat2, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '@ctr/linux'
import { resolvConfOf } from '../container/etc-files.js'
import type { ContainerRecord } from '../container/record.js'
import type { Context } from '../context.js'

/**
 * Writes `/etc/resolv.conf` of a running container anew. It is a file of its own that the runtime has mounted; what the
 * container has put in its place is left alone unless it is a file.
 */
export function writeResolvConf(context: Context, record: ContainerRecord): void {
  if (record.pid === null) return
  using root = new Fd(openSync(`/proc/${record.pid}/root`, O_PATH | constants.O_DIRECTORY))
  const { O_WRONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants
  using file = new Fd(
    openat2(root.number, '/etc/resolv.conf', {
      flags: O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
      resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS,
    }),
  )
  if (!fstatSync(file.number).isFile()) return
  ftruncateSync(file.number)
  writeSync(file.number, resolvConfOf(context, record, record.options?.dns))
}
