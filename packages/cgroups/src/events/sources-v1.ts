import { dirname } from 'node:path'
import type { GroupFolder } from '../group/group.js'
import { readFileIfThere } from '../kernel/interface-file.js'
import { GroupsBelow } from './groups-below.js'
import { LastProcess } from './last-process.js'
import { onOutOfMemory } from './oom-notice.js'
import { counter, oomKillsBelow } from './probes.js'
import type { EventSource } from './source.js'

/** Kills in a v1 group and those below: an eventfd tells that memory ran out, and the counters follow. */
export function oomV1(folder: string): EventSource {
  let known = oomKillsBelow(folder)
  let isTold = false
  const isWaiting = (): boolean =>
    counter(folder, 'memory.oom_control', 'oom_kill_disable') === 1 &&
    counter(folder, 'memory.oom_control', 'under_oom') === 1
  return {
    type: 'oom',
    folder,
    files: [],
    look() {
      const [before, now] = [known, oomKillsBelow(folder)]
      known = Math.max(before, now) // less when a group below was removed
      if (now > before) {
        isTold = false
        return { event: { type: 'oom', kills: now - before } }
      }
      if (!isTold) return {}
      if (!isWaiting()) return { isUnsettled: true } // the kill is not counted yet, or somewhere above
      isTold = false
      return { event: { type: 'oom', kills: 0 } }
    },
    giveUp() {
      isTold = false
    },
    start: (changed) =>
      onOutOfMemory(folder, () => {
        isTold = true
        changed()
      }),
  }
}

/** Files that are written to when a process or a thread joins a v1 group. */
const joining = ['tasks', 'cgroup.procs']

/**
 * Whether a v1 group or one below it has processes: those that join write to its files, and the last one's end is seen
 * by pidfd.
 */
export function populatedV1(folder: string): EventSource {
  let changed: () => void = () => undefined
  const processes = new LastProcess(folder, () => changed())
  let known: boolean | undefined
  return {
    type: 'populated',
    folder,
    files: [],
    look() {
      const before = known
      const { populated, isWatched } = processes.look()
      known = populated
      const isUnsettled = populated && !isWatched
      return before === undefined || before === populated
        ? { isUnsettled }
        : { event: { type: 'populated', populated }, isUnsettled }
    },
    start(tell) {
      changed = tell
      const groups = new GroupsBelow(folder, joining, tell)
      return () => {
        groups.close()
        processes.close()
      }
    },
  }
}

/** Whether a v1 group is frozen, by itself or by a group above: all of them are files that somebody writes to. */
export function frozenV1({ mount, folder }: GroupFolder): EventSource {
  const state = (): string | undefined => readFileIfThere(`${folder}/freezer.state`)?.trim()
  let known = state() === 'FROZEN'
  const above: string[] = []
  for (let at = dirname(folder); at.length > mount.mountpoint.length; at = dirname(at)) above.push(at)
  return {
    type: 'frozen',
    folder,
    files: ['freezer.state'],
    others: above,
    look() {
      const now = state()
      const isUnsettled = now === 'FREEZING' // not all have stopped, and nothing is written when they have
      const frozen = now === 'FROZEN'
      if (isUnsettled || frozen === known) return { isUnsettled }
      known = frozen
      return { event: { type: 'frozen', frozen } }
    },
  }
}
