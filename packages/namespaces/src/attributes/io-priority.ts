import {
  IOPRIO_CLASS_RT,
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
  IOPRIO_CLASS_SHIFT,
  IOPRIO_WHO_PROCESS,
  type Program,
} from '@ctr/linux'

const classes = { IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE }

/** What ioprio_set(2) takes. */
export interface IoPriority {
  /** `IOPRIO_CLASS_RT` needs `CAP_SYS_NICE` or `CAP_SYS_ADMIN` on the host. */
  readonly class: keyof typeof classes
  /** 0 (first) to 7 in its class. */
  readonly priority: number
}

/**
 * Sets the I/O priority while the process still has our privileges. Children and executed programs keep it.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/ioprio_set.2.html}
 */
export function setIoPriority(program: Program, ioPriority: IoPriority): void {
  const value = classes[ioPriority.class] * 2 ** IOPRIO_CLASS_SHIFT + ioPriority.priority
  program.step('set the I/O priority').call('ioprio_set', [IOPRIO_WHO_PROCESS, 0, value])
}
