import { describe, expect, it } from '@jest/globals'
import { parsePsOptions } from './parse-ps-options.js'
import { parseProcess, readProcess } from './process-info.js'
import { processTable } from './process-table.js'
import { terminalName } from './terminal-name.js'
import { elapsedTime, startTime } from './times.js'

const bootTime = new Date(2026, 10, 23, 8, 0, 0).getTime()
const host = {
  userName: (uid: number) => (uid === 0 ? 'root' : String(uid)),
  now: bootTime + 3600 * 1000,
  bootTime,
  memory: 1_000_000,
}

const shell = parseProcess({
  stat: '4242 (s) h) (x) S 4200 4242 4242 34816 4242 4194560 100 0 0 0 250 150 0 0 20 0 1 0 180000 2097152 300 18446744073709551615 1',
  status: 'Name:\tsh\nUid:\t0\t0\t0\t0\nVmRSS:\t    1500 kB\n',
  command: 'sh\0-c\0echo \u001b[31m\n\0\0',
})
const worker = parseProcess({
  stat: '4300 (kworker) Z 4242 4242 4242 0 -1 0 0 0 0 0 0 0 0 0 39 19 3 0 360000 0 0 0',
  status: 'Uid:\t1000\t1000\t1000\t1000\n',
  command: '',
})

describe('parseProcess()', () => {
  it('survives a name with parentheses, and hides what steers terminals', () => {
    expect(shell).toEqual({
      pid: 4242,
      ppid: 4200,
      uid: 0,
      name: 's) h) (x',
      command: 'sh -c echo ?[31m?',
      stat: 'Ss+',
      terminal: 34816,
      ticks: 400,
      startTicks: 180000,
      virtualSize: 2048,
      residentSize: 1500,
    })
    expect(worker).toMatchObject({ stat: 'ZNl', command: '', uid: 1000 })
  })

  it('reads those of this system', () => {
    expect(readProcess(process.pid)).toMatchObject({
      pid: process.pid,
      ppid: process.ppid,
      uid: process.getuid!(),
    })
    expect(readProcess(2 ** 22 + 1)).toBeUndefined()
  })
})

describe('processTable()', () => {
  it.each([
    [
      [],
      'UID    PID  PPID C STIME TTY       TIME CMD\n' +
        'root  4242  4200 0 08:30 pts/0 00:00:04 sh -c echo ?[31m?\n' +
        '1000  4300  4242 0 09:00 ?     00:00:00 [kworker] <defunct>\n',
    ],
    [['-ef'], expect.stringMatching(/^UID +PID +PPID +C +STIME +TTY +TIME +CMD\n/)],
    [['-e'], '  PID TTY       TIME CMD\n 4242 pts/0 00:00:04 s) h) (x\n 4300 ?     00:00:00 kworker\n'],
    [
      ['-e', '-x'],
      '  PID TTY   STAT TIME COMMAND\n 4242 pts/0 Ss+  0:04 sh -c echo ?[31m?\n 4300 ?     ZNl  0:00 [kworker] <defunct>\n',
    ],
    [
      ['aux'],
      'USER   PID %CPU %MEM  VSZ  RSS TTY   STAT START TIME COMMAND\n' +
        'root  4242  0.2  0.1 2048 1500 pts/0 Ss+  08:30 0:04 sh -c echo ?[31m?\n' +
        '1000  4300  0.0  0.0    0    0 ?     ZNl  09:00 0:00 [kworker] <defunct>\n',
    ],
    [['-o', 'pid,user=WHO', '-o', 'comm'], '  PID WHO  COMMAND\n 4242 root s) h) (x\n 4300 1000 kworker\n'],
    [['-eopid'], '  PID\n 4242\n 4300\n'],
    [['axh', '-oppid'], ' 4200\n 4242\n'],
  ])('prints what ps %j would', (argv, text) => {
    expect(processTable([shell, worker], parsePsOptions(argv), host)).toEqual(text)
  })

  it('has only titles for a container without processes', () => {
    expect(processTable([], parsePsOptions([]), host)).toBe('UID   PID  PPID C STIME TTY TIME CMD\n')
  })

  it.each([
    [['-Z'], 'unknown option "-Z" of ps'],
    [['--sort', 'pid'], 'unknown option "--sort" of ps'],
    [['1'], 'unknown option "1" of ps'],
    [['-'], 'unknown option "-" of ps'],
    [[''], 'unknown option "" of ps'],
    [['-o'], 'option -o of ps needs names of columns'],
    [['-o', 'pid,__proto__'], 'unknown column "__proto__" of ps'],
    [['-o', 'toString'], 'unknown column "toString" of ps'],
  ])('refuses %j', (argv, message) => {
    expect(() => parsePsOptions(argv)).toThrow(message)
  })
})

it.each([
  [0, '?'],
  [0x8803, 'pts/3'],
  [0x8902, 'pts/258'],
  [0x0401, 'tty1'],
  [0x0441, 'ttyS1'],
  [0x0501, 'console'],
])('terminalName() of %d is %s', (device, name) => {
  expect(terminalName(device)).toBe(name)
})

it('startTime() and elapsedTime() get coarser with time', () => {
  const { now } = host
  expect(startTime(now - 60_000, now)).toBe('08:59')
  expect(startTime(now - 36 * 3600_000, now)).toBe('Nov21')
  expect(startTime(now - 400 * 24 * 3600_000, now)).toBe('2025')
  expect([59, 3599, 3600, 90_061].map(elapsedTime)).toEqual(['00:59', '59:59', '01:00:00', '1-01:01:01'])
})
