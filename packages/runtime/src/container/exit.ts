import type { Cgroup } from '@ctr/cgroups'
import type { ExitStatus } from '@ctr/linux'
import type { ContainerExit } from './record.js'

/** How a container has ended whose end nobody saw. */
export const unwatched: ContainerExit = { exitCode: null, signal: null, oomKilled: false, finishedAt: null }

/** How a container has ended, just now. Its cgroup tells whether memory ran out. */
export function exitOf(status: ExitStatus | undefined, cgroup: Cgroup | undefined): ContainerExit {
  return {
    exitCode: status?.exitCode ?? null,
    signal: status?.signal ?? null,
    oomKilled: (cgroup?.oomKills() ?? 0) > 0,
    finishedAt: status === undefined ? null : new Date().toISOString(),
  }
}
