import { setTimeout as sleep } from 'node:timers/promises'
import { isCgroupError, type Cgroup } from '@ctr/cgroups'
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
 * @throws `CgroupError` `ERR_CGROUP_NO_CONTROLLER`: the container is in no cgroup that tells of anything.
 */
export async function* containerEvents(
  cgroup: Cgroup,
  id: string,
  { intervalMs, signal }: EventOptions,
): AsyncGenerator<ContainerEvent, void> {
  const onV2 = cgroup.hierarchy.mode === 'v2'
  const happenings = cgroup.events({ signal })
  const timers = new AbortController()
  // an ended wait is no error
  const tick = () =>
    sleep(intervalMs, 'tick' as const, { signal: timers.signal }).catch(() => 'tick' as const)
  try {
    if (onV2 && cgroup.processes().length === 0) return
    let [happening, next] = [happenings.next(), tick()]
    for (;;) {
      const news = await Promise.race([happening, next])
      if (news === 'tick') {
        next = tick()
        const data = statsUnlessGone(cgroup)
        if (data === undefined) return
        yield { type: 'stats', id, data }
      } else {
        if (news.done === true) return
        happening = happenings.next()
        if (news.value.type === 'oom') yield { type: 'oom', id }
        if (onV2 && news.value.type === 'populated' && !news.value.populated) return
      }
    }
  } finally {
    timers.abort()
    await happenings.return?.()
  }
}

function statsUnlessGone(cgroup: Cgroup): ContainerStats | undefined {
  try {
    return containerStats(cgroup)
  } catch (error) {
    if (isCgroupError(error) && error.code === 'ERR_CGROUP_NOT_FOUND') return undefined
    throw error
  }
}
