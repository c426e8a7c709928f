import { readFileSync } from 'node:fs'

/** A process as `/proc/PID/stat` tells of it, see proc_pid_stat(5). */
export interface ProcessStat {
  /** When it began, in clock ticks since boot (field 22). */
  readonly startTicks: string
  /** It has ended: a zombie, or dead. One whose first thread alone has ended still runs. */
  readonly ended: boolean
}

/** Looks at a process; undefined when there is none of that number. */
export function processStat(pid: number): ProcessStat | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
  // from field 3 on: the name before may hold blanks and parentheses
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads, startTicks] = [fields[0]!, Number(fields[17]), fields[19]!]
  return { startTicks, ended: state === 'X' || state === 'x' || (state === 'Z' && threads <= 1) }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ESRCH'
}
