import { fchownSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Fd, O_APPEND, O_CLOEXEC, O_CREAT, O_NOFOLLOW, O_WRONLY } from '@ctr/linux'
import type { Stdio } from '@ctr/namespaces'
import type { Context } from '../context.js'
import type { RunOptions } from '../options.js'
import type { HostOwner } from '../userns/container-ids.js'
import type { ContainerRecord } from './record.js'

/** The standard streams of a container, for its process. */
export interface OpenStdio extends Disposable {
  readonly streams: readonly [Stdio, Stdio, Stdio]
}

/**
 * Opens the log files among the standard streams.
 *
 * @param owner - Whose they are to be, so that the container's user can open its `/dev/stdout`; default ours.
 */
export function openStdio(
  context: Context,
  record: ContainerRecord,
  options: RunOptions,
  owner?: HostOwner,
): OpenStdio {
  const opened: Fd[] = []
  const output = options.detach === true && !record.terminal ? 'log' : 'inherit'
  const wanted = [options.stdin ?? 'ignore', options.stdout ?? output, options.stderr ?? output] as const
  const streams = wanted.map((stream, number) => {
    if (stream !== 'log') return stream
    mkdirSync(context.records.folder(record.id), { recursive: true, mode: 0o700 })
    const path = join(context.records.folder(record.id), number === 2 ? 'stderr.log' : 'stdout.log')
    const fd = new Fd(openSync(path, O_WRONLY + O_CREAT + O_APPEND + O_NOFOLLOW + O_CLOEXEC, 0o600))
    opened.push(fd)
    if (owner !== undefined) fchownSync(fd.number, owner.uid, owner.gid)
    return fd.number
  })
  return {
    streams: streams as unknown as readonly [Stdio, Stdio, Stdio],
    [Symbol.dispose]() {
      for (const fd of opened) fd.close()
    },
  }
}
