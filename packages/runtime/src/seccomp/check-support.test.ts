import { describe, expect, it } from '@jest/globals'
import { checkSeccompSupport } from './check-support.js'
import type { LinuxSeccomp, SeccompAction } from './profile.js'

const listenerPath = '/run/agent'

function notify(...names: readonly string[]): LinuxSeccomp {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath,
    syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }],
  }
}

describe('checkSeccompSupport()', () => {
  it('takes every action and flag of a current kernel', () => {
    const actions = [
      'KILL',
      'KILL_THREAD',
      'KILL_PROCESS',
      'TRAP',
      'ERRNO',
      'TRACE',
      'ALLOW',
      'LOG',
      'NOTIFY',
    ]
    checkSeccompSupport({
      defaultAction: 'SCMP_ACT_ERRNO',
      listenerPath,
      flags: [
        'SECCOMP_FILTER_FLAG_TSYNC',
        'SECCOMP_FILTER_FLAG_LOG',
        'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
        'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
      ],
      syscalls: actions.map((name) => ({ names: ['getcwd'], action: `SCMP_ACT_${name}` as SeccompAction })),
    })
    checkSeccompSupport({ defaultAction: 'SCMP_ACT_ALLOW', listenerPath })
  })

  it('takes notifications of every call that a process makes once the agent has the listener', () => {
    checkSeccompSupport(notify('execve', 'execveat', 'read', 'close', 'close_range', 'openat', 'exit_group'))
  })

  it.each([
    [
      { ...notify('mkdir'), defaultAction: 'SCMP_ACT_NOTIFY' },
      'SCMP_ACT_NOTIFY cannot be used as default action',
    ],
    [notify('mkdir', 'write'), 'SCMP_ACT_NOTIFY cannot be used for the write syscall'],
    [notify('sendmsg'), 'SCMP_ACT_NOTIFY cannot be used for the sendmsg syscall'],
    [
      { ...notify('mkdir'), listenerPath: undefined },
      'SCMP_ACT_NOTIFY needs a listenerPath, the socket of the agent that answers',
    ],
    [{ defaultAction: 'SCMP_ACT_NEWER' }, 'this kernel lacks the action SCMP_ACT_NEWER'],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_NEWER'] },
      'this kernel lacks the flag SECCOMP_FILTER_FLAG_NEWER',
    ],
  ])('refuses %j', (profile, why) => {
    expect(() => {
      checkSeccompSupport(profile as LinuxSeccomp)
    }).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME_SECCOMP', message: `cannot use seccomp profile: ${why}` }),
    )
  })
})
