import { MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME } from '@ctr/linux'

/** When a mount notes that a file was read. `relatime` is what Linux does unless it is told otherwise. */
export type AccessTime = 'relatime' | 'noatime' | 'strictatime'

/** `MOUNT_ATTR_*` by mode. */
export const accessTimeAttributes: Readonly<Record<AccessTime, number>> = {
  relatime: 0,
  noatime: MOUNT_ATTR_NOATIME,
  strictatime: MOUNT_ATTR_STRICTATIME,
}

/** `MOUNT_ATTR__ATIME`: the field of `MOUNT_ATTR_*` that holds the mode. */
export const ALL_ACCESS_TIMES = 0x70

type Change = (mode: AccessTime | undefined) => AccessTime | undefined

const become =
  (mode: AccessTime): Change =>
  () =>
    mode
const forget =
  (mode: AccessTime): Change =>
  (now) =>
    now === mode ? undefined : now

/**
 * By option, what it makes of the mode that the options before it ask for. An option against a mode only takes that one
 * back: like mount(2), a bind then keeps the mode of its source.
 */
export const accessTimes: ReadonlyMap<string, Change> = new Map([
  ['noatime', become('noatime')],
  ['relatime', become('relatime')],
  ['strictatime', become('strictatime')],
  ['atime', forget('noatime')],
  ['norelatime', forget('relatime')],
  ['nostrictatime', forget('strictatime')],
])
