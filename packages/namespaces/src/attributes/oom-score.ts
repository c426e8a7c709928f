import { AT_FDCWD, O_CLOEXEC, O_WRONLY, type Program } from '@ctr/linux'

/**
 * Says how soon the process is killed when memory runs out, at its beginning: it takes the host's `/proc`, and later
 * the process is undumpable, so that its files in there belong to the host's root.
 *
 * @param value - -1000 (never) to 1000. Below the smallest value that we were ever given by a privileged process it
 *   needs `CAP_SYS_RESOURCE`, or the step fails with `EACCES`.
 * @see {@link https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html}
 */
export function setOomScoreAdj(program: Program, value: number): void {
  const text = String(value)
  program.step(`set the OOM score adjustment to ${text}, for which low values need CAP_SYS_RESOURCE`)
  const file = program.call('openat', [AT_FDCWD, '/proc/self/oom_score_adj', O_WRONLY + O_CLOEXEC])
  program.call('write', [file, text, text.length])
  program.call('close', [file])
}
