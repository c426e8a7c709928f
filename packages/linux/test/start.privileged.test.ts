import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import {
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  MS_PRIVATE,
  MS_REC,
  O_RDONLY,
  out,
  pidfdSendSignal,
  PR_GET_DUMPABLE,
  PR_SET_DUMPABLE,
  Program,
  start,
  stringVector,
  syscall,
} from '../src/index.js'
import { children, cloneOnceMore, ended, exec, nap, shell, until } from './programs/children.js'

leakCheck()

describe('start()', () => {
  it('starts a process and sees its exit code', async () => {
    expect(await shell('exit 7')).toEqual({ exitCode: 7, signal: undefined })
  })

  it('sees the signal that ended a process', async () => {
    const child = await start(exec(['/bin/sleep', '60']), { flags: 0 }).completed
    expect(pidfdSendSignal(child.pidfd, 15)).toBe(true)
    expect(await ended(child)).toEqual({ exitCode: undefined, signal: 15 })
  })

  it('brings back results and what the kernel has written', async () => {
    const name = Buffer.alloc(16)
    const program = new Program()
    const file = program.call('openat', [AT_FDCWD, '/proc/self/comm', O_RDONLY])
    const length = program.call('read', [file, out(name), name.length])
    const pid = program.call('getpid', [])
    const starting = start(exec(['/bin/true'], program), { flags: 0 })
    const child = await starting.completed
    expect(child.results.get(pid)).toBe(child.pid)
    expect(starting.pid).toBe(child.pid)
    expect(name.toString('utf8', 0, child.results.get(length))).toMatch(/\n$/)
    await ended(child)
  })

  it('rejects with the failing entry and leaves no child', async () => {
    const before = children()
    const starting = start(exec(['/does/not/exist']), { flags: 0 })
    await expect(starting.completed).rejects.toMatchObject({ code: 'ENOENT', syscall: 'execve', entry: 1 })
    expect(starting.pid).toBe(0)
    expect(children()).toEqual(before)
  })

  it('rejects when the last execve fails with an error that it tolerates', async () => {
    const program = new Program()
    program.call('execve', ['/does/not/exist', stringVector(['x']), null], { tolerate: ['ENOENT'] })
    await expect(start(program, { flags: 0 }).completed).rejects.toMatchObject({ code: 'ENOENT', entry: 0 })
  })

  it('executes the first of several programs that is there', async () => {
    const program = new Program()
    program.call('execve', ['/does/not/exist', stringVector(['x']), null], { tolerate: ['ENOENT'] })
    program.call('execve', ['/bin/true', stringVector(['true']), null])
    const child = await start(program, { flags: 0 }).completed
    expect(await ended(child)).toEqual({ exitCode: 0, signal: undefined })
  })

  it('can end in exit_group', async () => {
    const program = new Program()
    program.call('exit_group', [5])
    const child = await start(program, { flags: 0 }).completed
    expect(await ended(child)).toEqual({ exitCode: 5, signal: undefined })
  })

  it('refuses programs that end in nothing, and arguments that have NUL bytes', () => {
    expect(() => start(new Program(), { flags: 0 })).toThrow('ends in nothing')
    const program = new Program()
    program.call('getpid', [])
    expect(() => start(program, { flags: 0 })).toThrow('ends in getpid')
    expect(() => start(exec(['/bin/true', 'a\0b']), { flags: 0 })).toThrow('it has a NUL byte')
  })

  it('says what the kernel refuses of the clone', async () => {
    const failing = start(exec(['/bin/true']), { flags: CLONE_NEWNS, cgroup: 9999 }).completed
    await expect(failing).rejects.toMatchObject({
      code: 'EBADF',
      syscall: 'clone3',
      args: [
        '{flags: CLONE_VM|CLONE_PIDFD|CLONE_VFORK|CLONE_NEWNS|CLONE_PARENT_SETTID|CLONE_CLEAR_SIGHAND|CLONE_INTO_CGROUP, cgroup: 9999}',
      ],
    })
  })

  it('says that a child was killed on its way', async () => {
    const before = children()
    const program = new Program()
    nap(program.step('wait for better days'), 30)
    const starting = start(exec(['/bin/true'], program), { flags: 0 })
    const sleeps = (): boolean => readFileSync(`/proc/${starting.pid}/stat`, 'utf8').includes(') S ')
    await until(() => starting.pid > 0 && sleeps()) // it exists before it has begun
    process.kill(starting.pid, 'SIGKILL')
    await expect(starting.completed).rejects.toMatchObject({
      name: 'LinuxError',
      code: 'ERR_LINUX_CHILD_DIED',
      message: expect.stringContaining(
        'cannot wait for better days: the process was killed by SIGKILL',
      ) as unknown as string,
    })
    expect(starting.pid).toBe(0)
    expect(children()).toEqual(before)
  })

  it('has 400 starts in flight at once', async () => {
    const starting = Array.from({ length: 400 }, () => start(exec(['/bin/true']), { flags: 0 }).completed)
    const statuses = await Promise.all(starting.map(async (child) => ended(await child)))
    expect(statuses.every(({ exitCode }) => exitCode === 0)).toBe(true)
  })

  it('makes this process dumpable again once no child is on its way', async () => {
    expect(syscall('prctl', PR_GET_DUMPABLE)).toBe(1)
    const undumpable = (seconds: number): Program => {
      const program = new Program()
      program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
      nap(program, seconds)
      return exec(['/bin/true'], program)
    }
    const long = start(undumpable(0.3), { flags: 0 }).completed
    await ended(await start(undumpable(0), { flags: 0 }).completed)
    expect(syscall('prctl', PR_GET_DUMPABLE)).toBe(0)
    await ended(await long)
    expect(syscall('prctl', PR_GET_DUMPABLE)).toBe(1)
  })

  it('leaves an undumpable process undumpable', async () => {
    syscall('prctl', PR_SET_DUMPABLE, 0)
    expect(await shell('exit 0')).toMatchObject({ exitCode: 0 })
    expect(syscall('prctl', PR_GET_DUMPABLE)).toBe(0)
    syscall('prctl', PR_SET_DUMPABLE, 1)
  })

  it('leaks no descriptor in 1000 starts', async () => {
    await shell('exit 0')
    const before = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 1000; round++) {
      if (round % 10 === 0) {
        await expect(start(exec(['/does/not/exist']), { flags: 0 }).completed).rejects.toThrow('ENOENT')
      } else await ended(await start(exec(['/bin/true']), { flags: 0 }).completed)
    }
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })
})

describe('start() with a clone within the program', () => {
  it('hands over the process that goes on, as our child', async () => {
    const program = new Program()
    cloneOnceMore(program)
    const child = await start(exec(['/bin/sh', '-c', 'exit 3'], program), { flags: 0 }).completed
    expect(children()).toEqual([child.pid])
    expect(await ended(child)).toEqual({ exitCode: 3, signal: undefined })
  })

  it('reaps both when it fails behind the clone', async () => {
    const program = new Program()
    cloneOnceMore(program)
    const failing = start(exec(['/does/not/exist'], program), { flags: 0 }).completed
    await expect(failing).rejects.toMatchObject({ code: 'ENOENT', entry: 2 })
    expect(children()).toEqual([])
  })

  it('reaps both when the process that goes on is killed', async () => {
    const program = new Program()
    cloneOnceMore(program)
    nap(program, 30)
    const starting = start(exec(['/bin/true'], program), { flags: 0 })
    await until(() => children().length === 2)
    process.kill(Math.max(...children()), 'SIGKILL')
    await expect(starting.completed).rejects.toMatchObject({ code: 'ERR_LINUX_CHILD_DIED' })
    expect(children()).toEqual([])
  })

  it('ends and reaps the process that goes on when the one that waits for it is killed', async () => {
    const program = new Program()
    cloneOnceMore(program)
    nap(program, 30)
    const starting = start(exec(['/bin/true'], program), { flags: 0 })
    await until(() => children().length === 2)
    process.kill(starting.pid, 'SIGKILL')
    await expect(starting.completed).rejects.toMatchObject({ code: 'ERR_LINUX_CHILD_DIED' })
    expect(children()).toEqual([])
  })

  it('follows two clones', async () => {
    const program = new Program()
    cloneOnceMore(program)
    cloneOnceMore(program)
    const child = await start(exec(['/bin/sh', '-c', 'exit 4'], program), { flags: 0 }).completed
    expect(children()).toEqual([child.pid])
    expect(await ended(child)).toEqual({ exitCode: 4, signal: undefined })
  })
})

describeOn(['root'], 'start() in new namespaces', () => {
  it('sets the host name inside and leaves ours alone', async () => {
    const before = readFileSync('/proc/sys/kernel/hostname', 'utf8')
    const program = new Program()
    program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
    program.call('sethostname', ['inside', 6])
    const script = 'test "$(cat /proc/sys/kernel/hostname)" = inside && test $$ = 1'
    const status = await shell(script, program, CLONE_NEWUTS + CLONE_NEWPID + CLONE_NEWNS)
    expect(status).toEqual({ exitCode: 0, signal: undefined })
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(before)
  })

  it('has 64 starts in new namespaces in flight at once', async () => {
    const flags =
      CLONE_NEWNS +
      CLONE_NEWUTS +
      CLONE_NEWIPC +
      CLONE_NEWPID +
      CLONE_NEWNET +
      CLONE_NEWCGROUP +
      CLONE_NEWUSER
    const statuses = await Promise.all(
      Array.from({ length: 64 }, () => shell('test $$ = 1', new Program(), flags)),
    )
    expect(statuses.filter(({ exitCode }) => exitCode !== 0)).toEqual([])
  })

  it('executes a program in a pid namespace that has processes', async () => {
    const first = await start(exec(['/bin/sleep', '60']), { flags: CLONE_NEWPID }).completed
    const program = new Program()
    program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
    program.call('setns', [first.pidfd, CLONE_NEWPID])
    cloneOnceMore(program)
    const pid = program.call('getpid', [])
    const child = await start(exec(['/bin/sh', '-c', 'exit $$'], program), { flags: 0 }).completed
    const inside = child.results.get(pid)
    expect(inside).toBeGreaterThan(1)
    expect(inside).toBeLessThan(100)
    expect(await ended(child)).toEqual({ exitCode: inside, signal: undefined })
    pidfdSendSignal(first.pidfd, 9)
    expect(await ended(first)).toEqual({ exitCode: undefined, signal: 9 })
  })
})
