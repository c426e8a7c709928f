import { PR_SET_PDEATHSIG, type Program } from '@ctr/linux'

/** What a process reports once it is sure to hear of the end of its parent, in the form of a failure. */
export const HEARS_PARENT = -3

/**
 * Adds that the process is sent a signal when its parent ends. It comes after the change of ids, which takes the wish
 * back. A parent that has ended before reads no report any more, and writing it ends the process by SIGPIPE.
 *
 * @param report - Where the parent reads reports.
 * @see {@link https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html}
 */
export function dieWithParent(program: Program, signal: number, report: number): void {
  const hears = Buffer.alloc(16)
  hears.writeBigInt64LE(BigInt(HEARS_PARENT))
  program.step('ask for a signal at the end of the parent')
  program.call('prctl', [PR_SET_PDEATHSIG, signal, 0, 0, 0])
  program.call('write', [report, hears, hears.length])
}
