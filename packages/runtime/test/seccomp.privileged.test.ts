import { closeSync, constants, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import {
  AF_UNIX,
  architecture,
  type ExitStatus,
  Fd,
  SOCK_STREAM,
  socketpair,
  syscallNumber,
} from '@ctr/linux'
import { spawn } from '@ctr/namespaces'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import type { OciState } from '../src/oci/state/status.js'
import { checkSeccompSupport } from '../src/seccomp/check-support.js'
import { compileSeccomp } from '../src/seccomp/compile.js'
import { sendListener } from '../src/seccomp/listener.js'
import type { LinuxSeccomp, LinuxSeccompSyscall } from '../src/seccomp/profile.js'
import { syscallNumbers } from '../src/seccomp/syscall-numbers.js'
import { AgentSocket, answer, nextNotification, received } from './seccomp/agent.js'

leakCheck()

const script = fileURLToPath(new URL('./seccomp/caller.py', import.meta.url))
const SIGSYS = 31
const killed = { exitCode: undefined, signal: SIGSYS }
const EPERM = 1
const ENOSYS = 38
const getppid = String(syscallNumber('getppid'))

interface Outcome {
  readonly lines: readonly string[]
  readonly status: ExitStatus
}

/** Makes calls in a process under a profile: see caller.py. */
async function callUnder(profile: LinuxSeccomp, ...calls: readonly string[]): Promise<Outcome> {
  const filter = compileSeccomp(profile, { architecture: architecture() })
  await using child = await spawn({
    command: ['/usr/bin/python3', script, ...calls],
    stdio: ['ignore', 'pipe', 'ignore'],
    noNewPrivileges: true,
    seccomp: filter.program,
    seccompFlags: filter.flags,
  })
  const printed = await text(child.stdout!)
  return { lines: printed.trim().split('\n').filter(Boolean), status: await child.wait() }
}

function allowBut(...syscalls: readonly LinuxSeccompSyscall[]): LinuxSeccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
}

function on(action: LinuxSeccompSyscall['action'], errnoRet?: number): LinuxSeccomp {
  return allowBut({ names: ['getppid'], action, errnoRet })
}

/** Lines that the kernel logs from now on, as far as they are there. */
function kernelLog(): { lines(): string[] } & Disposable {
  const fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK)
  const lines = (): string[] => {
    const found: string[] = []
    const buffer = Buffer.alloc(8192)
    try {
      for (;;) found.push(buffer.toString('utf8', 0, readSync(fd, buffer)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
    return found
  }
  lines()
  return {
    lines,
    [Symbol.dispose]: () => {
      closeSync(fd)
    },
  }
}

describeOn(['root', 'bin:python3'], 'a seccomp filter on real processes', () => {
  it.each([
    [on('SCMP_ACT_ALLOW'), 'done'],
    [on('SCMP_ACT_ERRNO'), `errno ${EPERM}`],
    [on('SCMP_ACT_ERRNO', 100), 'errno 100'],
    [on('SCMP_ACT_ERRNO', 0), 'done'],
    [on('SCMP_ACT_LOG'), 'done'],
    [on('SCMP_ACT_TRACE'), `errno ${ENOSYS}`], // nobody traces it
  ])('%j: %s', async (profile, expected) => {
    const { lines, status } = await callUnder(profile, getppid)
    expect(lines).toEqual([expected])
    expect(status.exitCode).toBe(0)
  })

  it.each(['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'] as const)(
    'ends a process of one thread with SIGSYS: %s',
    async (action) => {
      expect(await callUnder(on(action), getppid)).toEqual({ lines: [], status: killed })
    },
  )

  it('ends one thread, or all of them', async () => {
    const call = `thread:${getppid}`
    const survived = { lines: ['thread is over'], status: { exitCode: 0, signal: undefined } }
    expect(await callUnder(on('SCMP_ACT_KILL_THREAD'), call)).toEqual(survived)
    expect(await callUnder(on('SCMP_ACT_KILL_PROCESS'), call)).toEqual({ lines: [], status: killed })
  })

  it('logs to the kernel log', async () => {
    using log = kernelLog()
    await callUnder(on('SCMP_ACT_ALLOW'), getppid)
    expect(log.lines().filter((line) => line.includes('type=1326'))).toEqual([])
    await callUnder(on('SCMP_ACT_LOG'), getppid)
    const record = new RegExp(`type=1326 .*comm="python3" .*syscall=${getppid} .*code=0x7ffc0000`)
    // a thread of the kernel's writes it, when it comes to that
    const logged = async (pattern: RegExp): Promise<number> => {
      let count = 0
      for (let attempt = 0; attempt < 3000 && count === 0; attempt++) {
        count = log.lines().filter((line) => pattern.test(line)).length
        if (count === 0) await sleep(10)
      }
      return count
    }
    expect(await logged(record)).toBe(1)
    await callUnder({ ...on('SCMP_ACT_ERRNO'), flags: ['SECCOMP_FILTER_FLAG_LOG'] }, getppid)
    expect(await logged(/type=1326 .*code=0x50000/)).toBe(1)
  })

  it('compares arguments in 64 bits', async () => {
    const dup = String(syscallNumber('dup'))
    const rule = { names: ['dup'], action: 'SCMP_ACT_ERRNO', errnoRet: 77 } as const
    const args = [{ index: 0, value: 2n ** 32n + 1n, op: 'SCMP_CMP_EQ' }] as const
    const { lines } = await callUnder(allowBut({ ...rule, args }), `${dup},1`, `${dup},0x100000001`)
    expect(lines).toEqual(['done', 'errno 77'])
  })

  it('returns ENOSYS for calls newer than those that the profile names, where it refuses by default', async () => {
    const names = Object.keys(syscallNumbers).filter((name) => name !== 'getppid')
    const syscalls = [{ names, action: 'SCMP_ACT_ALLOW' }] as const
    for (const defaultAction of ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS'] as const) {
      expect((await callUnder({ defaultAction, syscalls }, '1000')).lines).toEqual([`errno ${ENOSYS}`])
    }
    const profile = { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 6, syscalls } as const
    expect((await callUnder(profile, getppid)).lines).toEqual(['errno 6'])
  })
})

if (architecture() === 'x64') {
  describeOn(['root', 'bin:python3'], 'a seccomp filter on the ABIs of x86-64', () => {
    // getppid of 32-bit x86 is 64; of x32 it is 110, and the bit
    const calls = { x86: 'int80:64', x32: String(0x4000_0000 + 110) }

    it.each(Object.entries(calls))(
      'ends a process that calls by one that is not named: %s',
      async (_, call) => {
        expect(await callUnder(on('SCMP_ACT_ERRNO', 77), call)).toEqual({ lines: [], status: killed })
      },
    )

    it.each(Object.entries(calls))('holds for one that is named: %s', async (_, call) => {
      const architectures = ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] as const
      const { lines } = await callUnder({ ...on('SCMP_ACT_ERRNO', 77), architectures }, call, getppid)
      expect(lines).toEqual(['errno 77', 'errno 77'])
    })
  })
}

const state: OciState = {
  ociVersion: '1.2.0',
  id: 'one',
  status: 'creating',
  pid: 42,
  bundle: '/bundle',
  annotations: { key: 'value' },
}

/** Starts a command under a profile; the listener of its filter comes over `ours`. */
function startNotified(profile: LinuxSeccomp, command: readonly string[]) {
  const filter = compileSeccomp(profile, { architecture: architecture() })
  const [left, right] = socketpair(AF_UNIX, SOCK_STREAM, 0)
  const [ours, theirs] = [new Fd(left), new Fd(right)]
  const starting = spawn({
    command,
    stdio: ['ignore', 'pipe', 'inherit'],
    seccomp: filter.program,
    seccompFlags: filter.flags,
    seccompListener: theirs.number,
  })
  return {
    starting,
    listener: received(ours).then(({ fd }) => new Fd(fd!)),
    [Symbol.dispose]() {
      ours.close()
      theirs.close()
    },
  }
}

describeOn(['root', 'bin:python3'], 'SCMP_ACT_NOTIFY', () => {
  it.each([
    ['fails as the agent says', { errno: 123 }, 'errno 123'],
    ['returns what the agent says', { result: 7n }, 'done'],
    ['is made by the kernel', 'continue', 'done'],
    ['fails with ENOSYS when the agent has gone', undefined, `errno ${ENOSYS}`],
  ] as const)('hands the listener to the agent; a call %s', async (_, what, expected) => {
    using folder = temporaryFolder()
    const profile: LinuxSeccomp = {
      ...on('SCMP_ACT_NOTIFY'),
      flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_TSYNC'],
      listenerPath: join(folder.path, 'agent'),
      listenerMetadata: 'anything',
    }
    checkSeccompSupport(profile)
    using agent = new AgentSocket(profile.listenerPath!)
    using notified = startNotified(profile, ['/usr/bin/python3', script, `${getppid},1,2,3`])
    await using child = await notified.starting
    {
      using listener = await notified.listener
      await sendListener(profile, listener.number, state, { pid: child.pid })
    }
    const accepted = await agent.accept()
    using listener = accepted.listener
    const sent = { ociVersion: '1.3.0', fds: ['seccompFd'], pid: child.pid, metadata: 'anything', state }
    expect(accepted.state).toEqual(sent)
    if (what === undefined) listener.close()
    else {
      const call = await nextNotification(listener.number)
      expect(call).toMatchObject({ pid: child.pid, number: Number(getppid) })
      expect(call?.args.slice(0, 3)).toEqual([1n, 2n, 3n])
      answer(listener.number, call!, what)
    }
    expect((await text(child.stdout!)).trim()).toBe(expected)
    expect(await child.wait()).toEqual({ exitCode: 0, signal: undefined })
  })

  it('lets the agent decide on the calls that execute the command', async () => {
    const names = [
      'execve',
      'execveat',
      'read',
      'close',
      'close_range',
      'openat',
      'open',
      'fcntl',
      'exit_group',
    ]
    using notified = startNotified(allowBut({ names, action: 'SCMP_ACT_NOTIFY' }), ['/bin/echo', 'hello'])
    using listener = await notified.listener
    const ending = notified.starting.then(async (child) => {
      await using process = child
      return { printed: await text(process.stdout!), status: await process.wait() }
    })
    const calls = new Set<number>()
    for (let call; (call = await nextNotification(listener.number)) !== undefined;) {
      calls.add(call.number)
      answer(listener.number, call, 'continue')
    }
    expect(await ending).toEqual({ printed: 'hello\n', status: { exitCode: 0, signal: undefined } })
    expect([...calls]).toEqual(expect.arrayContaining([syscallNumber('execve'), syscallNumber('exit_group')]))
  })
})
