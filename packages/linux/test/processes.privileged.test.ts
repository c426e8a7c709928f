import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { leakCheck } from '@ctr/testing'
import {
  closeFd,
  Fd,
  onReadable,
  pidfdExitStatus,
  pidfdOpen,
  pidfdSendSignal,
  pipe2,
  start,
  syscall,
  waitid,
} from '../src/index.js'
import { ended, exec } from './programs/children.js'

leakCheck()

const readable = (fd: number): Promise<void> => new Promise((resolve) => void onReadable(fd, resolve))

describe('waitid()', () => {
  it('says that a child runs, then how it ended, then that it is gone', async () => {
    const child = await start(exec(['/bin/sleep', '0.1']), { flags: 0 }).completed
    using pidfd = new Fd(child.pidfd)
    expect(waitid(pidfd.number, { nowait: true })).toBeUndefined()
    await readable(pidfd.number)
    expect(waitid(pidfd.number, { nowait: true })).toEqual({ exitCode: 0, signal: undefined })
    expect(() => waitid(pidfd.number)).toThrow(expect.objectContaining({ code: 'ECHILD' }))
  })
})

describe('pidfdSendSignal()', () => {
  it('says whether there was a process to send it to', async () => {
    const child = await start(exec(['/bin/sleep', '60']), { flags: 0 }).completed
    using pidfd = new Fd(child.pidfd)
    expect(pidfdSendSignal(pidfd.number, 0)).toBe(true)
    expect(pidfdSendSignal(pidfd.number, 9)).toBe(true)
    await readable(pidfd.number)
    waitid(pidfd.number)
    expect(pidfdSendSignal(pidfd.number, 9)).toBe(false)
  })
})

describe('pidfdExitStatus()', () => {
  it('knows the status of a child once it is reaped, and not before', async () => {
    const child = await start(exec(['/bin/sh', '-c', 'sleep 0.1; exit 9']), { flags: 0 }).completed
    using pidfd = new Fd(child.pidfd)
    expect(pidfdExitStatus(pidfd.number)).toBeUndefined()
    await readable(pidfd.number)
    expect(pidfdExitStatus(pidfd.number)).toBeUndefined()
    waitid(pidfd.number)
    expect(pidfdExitStatus(pidfd.number)).toEqual({ exitCode: 9, signal: undefined })
  })

  it('knows how a process ended that is no child of ours', async () => {
    const script = 'sleep 60 & echo $!; wait; sleep 0.2'
    const shell = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(shell.stdout, 'data')) as [Buffer]
    using pidfd = new Fd(pidfdOpen(Number(line.toString())))
    expect(() => waitid(pidfd.number)).toThrow(expect.objectContaining({ code: 'ECHILD' }))
    pidfdSendSignal(pidfd.number, 15)
    await readable(pidfd.number)
    for (let round = 0; round < 3000 && pidfdExitStatus(pidfd.number) === undefined; round++) await sleep(10)
    expect(pidfdExitStatus(pidfd.number)).toEqual({ exitCode: undefined, signal: 15 })
    await once(shell, 'close')
  })
})

describe('onReadable()', () => {
  it('calls back once', async () => {
    const [reading, writing] = pipe2(0)
    let calls = 0
    onReadable(reading, () => calls++)
    await sleep(20)
    expect(calls).toBe(0)
    syscall('write', writing, 'x', 1)
    await readableOrTimeout(() => calls > 0)
    await sleep(20)
    expect(calls).toBe(1)
    closeFd(reading)
    closeFd(writing)
  })

  it('does not call back when it was cancelled, and can begin anew', async () => {
    const [reading, writing] = pipe2(0)
    let calls = 0
    const wait = onReadable(reading, () => calls++)
    syscall('write', writing, 'x', 1)
    wait.cancel()
    wait.cancel()
    await sleep(20)
    expect(calls).toBe(0)
    await readable(reading)
    wait.cancel() // over, and not the one that was begun anew
    closeFd(reading)
    closeFd(writing)
  })

  it('can be cancelled by the callback of another wait', async () => {
    const pipes = [pipe2(0), pipe2(0)]
    let calls = 0
    const waits = pipes.map(([reading], index) =>
      onReadable(reading, () => {
        calls++
        waits[1 - index]!.cancel()
      }),
    )
    for (const [, writing] of pipes) syscall('write', writing, 'x', 1)
    await sleep(50)
    expect(calls).toBe(1)
    for (const fd of pipes.flat()) closeFd(fd)
  })

  it('refuses a second wait for the same descriptor, and files that are always readable', () => {
    const [reading, writing] = pipe2(0)
    const wait = onReadable(reading, () => undefined)
    expect(() => onReadable(reading, () => undefined)).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    wait.cancel()
    using file = new Fd(syscall('openat', -100, '/etc/passwd', 0))
    expect(() => onReadable(file.number, () => undefined)).toThrow(expect.objectContaining({ code: 'EPERM' }))
    closeFd(reading)
    closeFd(writing)
  })

  it('survives a descriptor that was closed while somebody waited for it', async () => {
    const [reading, writing] = pipe2(0)
    const stale = onReadable(reading, () => undefined)
    closeFd(reading)
    const [again, other] = pipe2(0)
    expect(again).toBe(reading) // the lowest number that is free
    const waiting = readable(again)
    stale.cancel()
    syscall('write', other, 'x', 1)
    await waiting
    for (const fd of [writing, again, other]) closeFd(fd)
  })

  it('sees the ends of many processes', async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, () => start(exec(['/bin/sleep', '0.05']), { flags: 0 }).completed),
    )
    const statuses = await Promise.all(all.map((child) => ended(child)))
    expect(statuses.every(({ exitCode }) => exitCode === 0)).toBe(true)
  })
})

async function readableOrTimeout(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 3000 && !condition(); round++) await sleep(10)
}
