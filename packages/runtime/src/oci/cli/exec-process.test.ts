import { describe, expect, it } from '@jest/globals'
import type { ConfigProcess } from '../config/config-process.js'
import { execProcess, execProcessOptions } from './exec-process.js'
import { parseOptions } from './options.js'

const own: ConfigProcess = {
  args: ['sh'],
  cwd: '/home',
  env: ['PATH=/bin', 'A=1'],
  terminal: true,
  user: { uid: 5, gid: 6, umask: 0o77, additionalGids: [7] },
  noNewPrivileges: true,
  capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
}

const process = (...argv: readonly string[]): ConfigProcess => {
  const { values, positionals } = parseOptions(execProcessOptions, argv, { rest: true })
  return execProcess(own, positionals, values)
}

describe('execProcess()', () => {
  it('is the process of the container with other arguments, and without its terminal', () => {
    expect(process('ls', '-l')).toEqual({ ...own, args: ['ls', '-l'], terminal: false })
  })

  it('changes what options say', () => {
    expect(
      process(
        ...[
          '-t',
          '--cwd',
          '/tmp',
          '-e',
          'A=2',
          '--env',
          'B=',
          '-u',
          '1000:1001',
          '-g',
          '8',
          '-g=9',
          '--no-new-privs=false',
        ],
        ...['--apparmor', 'p', '--process-label', 'l', 'id', '-u'],
      ),
    ).toEqual({
      args: ['id', '-u'],
      cwd: '/tmp',
      env: ['PATH=/bin', 'A=1', 'A=2', 'B='],
      terminal: true,
      user: { uid: 1000, gid: 1001, umask: 0o77, additionalGids: [7, 8, 9] },
      noNewPrivileges: false,
      apparmorProfile: 'p',
      selinuxLabel: 'l',
      capabilities: own.capabilities,
    })
    expect(process('--user', '1', 'id').user).toMatchObject({ uid: 1, gid: 6 })
  })

  it('adds capabilities, to the ambient set only where there are inheritable ones', () => {
    const set = ['CAP_KILL', 'CAP_SYS_ADMIN']
    expect(process('-c', 'sys_admin', '--cap=CAP_KILL', 'id').capabilities).toEqual({
      bounding: set,
      effective: set,
      permitted: set,
    })
    const inheritable = { ...own, capabilities: { ...own.capabilities, inheritable: [] } }
    expect(execProcess(inheritable, ['id'], { cap: ['CAP_KILL'] }).capabilities).toMatchObject({
      inheritable: [],
      ambient: ['CAP_KILL'],
    })
  })

  it.each([
    [[], 'exec args cannot be empty'],
    [[''], 'exec args cannot be empty'],
    [['-u', 'root', 'id'], 'invalid value for user'],
    [['-u', '-1', 'id'], 'invalid value for user'],
    [['-u', '4294967295', 'id'], 'invalid value for user'],
    [['-u', '1:', 'id'], 'invalid value for user'],
    [['-g', 'x', 'id'], 'invalid value for additional-gids'],
    [['-e', 'A', 'id'], 'invalid value for env: must be NAME=VALUE, got A'],
    [['-e', '=A', 'id'], 'invalid value for env'],
  ])('refuses %j', (argv, message) => {
    expect(() => process(...argv)).toThrow(message)
  })

  it('leaves out capabilities that there are not, and says so', () => {
    const warnings: string[] = []
    const { capabilities } = execProcess(
      { ...own, capabilities: {} },
      ['id'],
      { cap: ['CAP_NEW', 'KILL'] },
      (text) => warnings.push(text),
    )
    expect(capabilities?.effective).toEqual(['CAP_KILL'])
    expect(warnings).toEqual(['ignoring unknown capability "CAP_NEW"'])
  })

  it('needs a process to begin from', () => {
    expect(() => execProcess(undefined, ['id'], {})).toThrow('has no process')
  })
})
