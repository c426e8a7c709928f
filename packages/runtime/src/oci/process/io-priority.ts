import * as linux from '@ctr/linux'
import { IOPRIO_CLASS_SHIFT, IOPRIO_WHO_PROCESS, type Program } from '@ctr/linux'
import type { ConfigIoPriority } from '../config/config.js'

/**
 * Sets the I/O priority. Children and executed programs keep it.
 *
 * - Stage 1, at its beginning, without `pid`; or
 * - outside, for a process that begins in a new user namespace: IOPRIO_CLASS_RT needs `CAP_SYS_NICE` or
 *   `CAP_SYS_ADMIN` on the host. While it waits for us (`meanwhile`), by `executeSync`.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/ioprio_set.2.html}
 */
export function setIoPriority(program: Program, ioPriority: ConfigIoPriority, pid = 0): void {
  const value = linux[ioPriority.class] * 2 ** IOPRIO_CLASS_SHIFT + ioPriority.priority
  program.step('set the I/O priority').call('ioprio_set', [IOPRIO_WHO_PROCESS, pid, value])
}
