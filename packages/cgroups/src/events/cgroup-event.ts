/** Something that happened to a group. */
export type CgroupEvent = OomEvent | PidsMaxEvent | PopulatedEvent | FrozenEvent

/** What can be told of. */
export type CgroupEventType = CgroupEvent['type']

/** There was no memory left. */
export interface OomEvent {
  readonly type: 'oom'
  /** Processes killed for it since the event before. 0 only on v1 with the OOM killer off: processes wait now. */
  readonly kills: number
}

/** Forks were refused, as the group had as many processes and threads as it may. */
export interface PidsMaxEvent {
  readonly type: 'pids-max'
  /** How many, since the event before. */
  readonly refused: number
}

/** The first process came, or the last one ended, in the group or in those below. */
export interface PopulatedEvent {
  readonly type: 'populated'
  readonly populated: boolean
}

/** All processes have been stopped, or go on. */
export interface FrozenEvent {
  readonly type: 'frozen'
  readonly frozen: boolean
}

/** Settings of `Cgroup.events`. */
export interface EventOptions {
  /** What to tell of. Default: all that can be told of this group. */
  readonly types?: readonly CgroupEventType[] | undefined
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
}
