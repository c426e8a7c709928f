import type { CgroupEvent, CgroupEventType } from './cgroup-event.js'

/** How one kind of event of a group is seen. */
export interface EventSource {
  readonly type: CgroupEventType
  /** The group's folder in the hierarchy that tells. */
  readonly folder: string
  /** Files of it that are written to, by the kernel or by somebody, when it may have happened. */
  readonly files: readonly string[]
  /** More folders with such files. */
  readonly others?: readonly string[] | undefined
  /** Compares with the look before. `isUnsettled`: the kernel is still at it, and will not tell when it is done. */
  look(): { readonly event?: CgroupEvent | undefined; readonly isUnsettled?: boolean }
  /** What is unsettled has been looked at for long enough. */
  giveUp?(): void
  /** Begins to be told in other ways than by files; gives what ends it. */
  start?(changed: () => void): () => void
}

/** What two events of one type that nobody has read come to. */
export function mergeEvents(older: CgroupEvent, newer: CgroupEvent): CgroupEvent {
  if (older.type === 'oom' && newer.type === 'oom') return { type: 'oom', kills: older.kills + newer.kills }
  if (older.type === 'pids-max' && newer.type === 'pids-max')
    return { type: 'pids-max', refused: older.refused + newer.refused }
  return newer
}
