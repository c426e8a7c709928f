import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** A process as `/proc` tells of it, proc_pid_stat(5) and proc_pid_status(5). */
export interface ProcessInfo {
  readonly pid: number
  readonly ppid: number
  readonly uid: number
  /** Name of the program, up to 15 characters. */
  readonly name: string
  /** Program and arguments with blanks between them; empty for a zombie and for threads of the kernel. */
  readonly command: string
  /** State, and what else ps(1) says in its STAT column: `Ss+`. */
  readonly stat: string
  /** Device number of the terminal, 0 without one. */
  readonly terminal: number
  /** CPU time, in clock ticks. */
  readonly ticks: number
  /** When it began, in clock ticks since boot. */
  readonly startTicks: number
  /** In KiB. */
  readonly virtualSize: number
  /** In KiB. */
  readonly residentSize: number
}

const longestCommand = 4096

/** Looks at a process; undefined when it has ended. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const folder = `/proc/${pid}`
    return parseProcess({
      stat: readFileSync(`${folder}/stat`, 'utf8'),
      status: readFileSync(`${folder}/status`, 'utf8'),
      command: readStart(`${folder}/cmdline`),
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

/** Makes sense of the texts of a process's files. What it wrote there itself may hold anything. */
export function parseProcess({
  stat,
  status,
  command,
}: {
  readonly stat: string
  readonly status: string
  readonly command: string
}): ProcessInfo {
  const open = stat.indexOf('(')
  const close = stat.lastIndexOf(')')
  // from field 3 on: the name before may hold blanks and parentheses
  const fields = stat.slice(close + 2).split(' ')
  const number = (field: number): number => Number(fields[field - 3])
  const inStatus = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  const pid = Number(stat.slice(0, open))
  const nice = number(19)
  return {
    pid,
    ppid: number(4),
    uid: inStatus('Uid'),
    name: printable(stat.slice(open + 1, close)),
    command: printable(command.replace(/\0+$/, '').replaceAll('\0', ' ')),
    stat: [
      fields[0],
      nice < 0 ? '<' : nice > 0 ? 'N' : '',
      inStatus('VmLck') > 0 ? 'L' : '',
      number(6) === pid ? 's' : '',
      number(20) > 1 ? 'l' : '',
      number(8) === number(5) ? '+' : '',
    ].join(''),
    terminal: number(7),
    ticks: number(14) + number(15),
    startTicks: number(22),
    virtualSize: Math.round(number(23) / 1024),
    residentSize: inStatus('VmRSS'),
  }
}

/** Nothing that a process calls itself may begin a line or steer a terminal. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is meant
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?')
}

/** The first bytes of a file that may be as long as a program's arguments. */
function readStart(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(longestCommand)
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, longestCommand, 0))
  } finally {
    closeSync(fd)
  }
}
