import { setTimeout as sleep } from 'node:timers/promises'
import type { Cgroup } from '@ctr/cgroups'
import type { ContainerStats } from './stats/container-stats.js'
import { containerStats } from './stats/stats.js'

/** A line of the `events` command. */
export type ContainerEvent =
  | { readonly type: 'oom'; readonly id: string }
  | { readonly type: 'stats'; readonly id: string; readonly data: ContainerStats }

/** How a container is watched. */
export interface EventOptions {
  /** Time between statistics, in milliseconds, from 1. */
  readonly intervalMs: number
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Tells what happens to a container: statistics at intervals, and each time when it had no memory left. Ends when the
 * container's cgroup is removed, on v2 already when its last process has ended.
 *
 * @throws `CgroupError` `ERR_CGROUP_NO_CONTROLLER`: the container is in no memory hierarchy.
 */
export async function* containerEvents(
  cgroup: Cgroup,
  id: string,
  { intervalMs, signal }: EventOptions,
): AsyncGenerator<ContainerEvent, void> {
  const kills = cgroup.oomEvents({ signal })
  const timers = new AbortController()
  // an ended wait is no error
  const tick = () =>
    sleep(intervalMs, 'tick' as const, { signal: timers.signal }).catch(() => 'tick' as const)
  try {
    let [kill, next] = [kills.next(), tick()]
    for (;;) {
      const news = await Promise.race([kill, next])
      if (news === 'tick') {
        next = tick()
        yield { type: 'stats', id, data: containerStats(cgroup) }
      } else {
        if (news.done === true) return
        kill = kills.next()
        yield { type: 'oom', id }
      }
    }
  } finally {
    timers.abort()
    await kills.return?.()
  }
}
