import { terminalName } from './terminal-name.js'
import type { ProcessInfo } from './process-info.js'
import { cpuTime, elapsedTime, startTime } from './times.js'

/** What columns need beside the process. */
export interface Host {
  readonly userName: (uid: number) => string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** When the host started, in milliseconds since the epoch. */
  readonly bootTime: number
  /** In KiB. */
  readonly memory: number
}

/** A column of the table. */
export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
  /** Least number of characters, where it should not change with what is in it. */
  readonly width?: number | undefined
  readonly value: (process: ProcessInfo, host: Host) => string
}

/** Clock ticks a second, the same on every Linux that user space sees. */
const ticksPerSecond = 100

const left = (title: string, value: Column['value']): Column => ({ title, align: 'left', value })
const right = (title: string, value: Column['value']): Column => ({ title, align: 'right', value })

const began = ({ startTicks }: ProcessInfo, { bootTime }: Host): number =>
  bootTime + (startTicks / ticksPerSecond) * 1000
const elapsed = (process: ProcessInfo, host: Host): number => Math.max(0, host.now - began(process, host))
const cpuShare = (process: ProcessInfo, host: Host): number => {
  const seconds = elapsed(process, host) / 1000
  return seconds === 0 ? 0 : (process.ticks / ticksPerSecond / seconds) * 100
}

/** Columns by the names that `ps -o` has for them. */
export const columns = {
  user: left('USER', ({ uid }, { userName }) => userName(uid)),
  uid: right('UID', ({ uid }) => `${uid}`),
  // as ps -f prints it: the name below the title of the number
  uname: left('UID', ({ uid }, { userName }) => userName(uid)),
  pid: { ...right('PID', ({ pid }) => `${pid}`), width: 5 },
  ppid: { ...right('PPID', ({ ppid }) => `${ppid}`), width: 5 },
  c: right('C', (process, host) => `${Math.min(99, Math.trunc(cpuShare(process, host)))}`),
  pcpu: right('%CPU', (process, host) => cpuShare(process, host).toFixed(1)),
  pmem: right('%MEM', ({ residentSize }, { memory }) => ((residentSize / memory) * 100).toFixed(1)),
  vsz: right('VSZ', ({ virtualSize }) => `${virtualSize}`),
  rss: right('RSS', ({ residentSize }) => `${residentSize}`),
  tty: left('TTY', ({ terminal }) => terminalName(terminal)),
  stat: left('STAT', ({ stat }) => stat),
  stime: left('STIME', (process, host) => startTime(began(process, host), host.now)),
  start: left('START', (process, host) => startTime(began(process, host), host.now)),
  time: right('TIME', ({ ticks }) => cpuTime(ticks / ticksPerSecond, { hours: true })),
  bsdtime: right('TIME', ({ ticks }) => cpuTime(ticks / ticksPerSecond, { hours: false })),
  etime: right('ELAPSED', (process, host) => elapsedTime(elapsed(process, host) / 1000)),
  comm: left('COMMAND', ({ name }) => name),
  cmd: left('CMD', commandLine),
  args: left('COMMAND', commandLine),
  ucmd: left('CMD', ({ name }) => name),
} as const satisfies Readonly<Record<string, Column>>

/** Other names of columns. */
export const aliases: Readonly<Record<string, keyof typeof columns>> = {
  euser: 'user',
  euid: 'uid',
  command: 'args',
  tname: 'tty',
  tt: 'tty',
  '%cpu': 'pcpu',
  '%mem': 'pmem',
  vsize: 'vsz',
  rssize: 'rss',
  cputime: 'time',
}

function commandLine({ command, name, stat }: ProcessInfo): string {
  if (stat.startsWith('Z')) return `[${name}] <defunct>`
  return command === '' ? `[${name}]` : command
}
