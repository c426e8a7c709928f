import { counter } from './probes.js'
import type { EventSource } from './source.js'

/** Kills in a v2 group and those below, from `memory.events`. */
export function oomV2(folder: string): EventSource | undefined {
  const kills = (): number | undefined => counter(folder, 'memory.events', 'oom_kill')
  let known = kills()
  if (known === undefined) return undefined // the group is not in the memory controller
  return {
    type: 'oom',
    folder,
    files: ['memory.events'],
    look() {
      const [before, now] = [known!, kills() ?? known!]
      known = now
      return now > before ? { event: { type: 'oom', kills: now - before } } : {}
    },
  }
}

/** Refused forks, from `pids.events`: the same file on v1, which kernels from 6.11 on do not tell of there. */
export function pidsMax(folder: string): EventSource | undefined {
  const refused = (): number | undefined => counter(folder, 'pids.events', 'max')
  let known = refused()
  if (known === undefined) return undefined
  return {
    type: 'pids-max',
    folder,
    files: ['pids.events'],
    look() {
      const [before, now] = [known!, refused() ?? known!]
      known = now
      return now > before ? { event: { type: 'pids-max', refused: now - before } } : {}
    },
  }
}

/** Whether a v2 group has processes, or is frozen, from `cgroup.events`. */
export function stateV2(type: 'populated' | 'frozen', folder: string): EventSource | undefined {
  const state = (): boolean | undefined => {
    const value = counter(folder, 'cgroup.events', type)
    return value === undefined ? undefined : value === 1
  }
  let known = state()
  if (known === undefined) return undefined // no freezer before Linux 5.2
  return {
    type,
    folder,
    files: ['cgroup.events'],
    look() {
      const now = state() ?? known!
      if (now === known) return {}
      known = now
      return { event: type === 'frozen' ? { type, frozen: now } : { type: 'populated', populated: now } }
    },
  }
}
