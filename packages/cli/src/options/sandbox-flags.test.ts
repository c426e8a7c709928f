import { Command } from 'commander'
import { describe, expect, it } from '@jest/globals'
import { addSandboxFlags, sandboxOptions, type SandboxFlags } from './sandbox-flags.js'

function parse(...argv: string[]): ReturnType<typeof sandboxOptions> {
  const command = new Command('run')
  addSandboxFlags(command)
  command.parse(argv, { from: 'user' })
  return sandboxOptions(command.opts<SandboxFlags>())
}

describe('sandboxOptions()', () => {
  it('leaves out what is not given', () => {
    expect(Object.values(parse()).filter((value) => value !== undefined)).toEqual([])
  })

  it('reads devices, with a path in the container, access, or both', () => {
    const devices = ['/dev/fuse', '/dev/fuse:rw', '/dev/fuse:/dev/f', '/dev/fuse:/dev/f:r']
    expect(parse(...devices.flatMap((device) => ['--device', device])).devices).toEqual([
      { source: '/dev/fuse', target: undefined },
      { source: '/dev/fuse', access: 'rw' },
      { source: '/dev/fuse', target: '/dev/f' },
      { source: '/dev/fuse', target: '/dev/f', access: 'r' },
    ])
  })

  it('reads limits of processes', () => {
    expect(parse('--ulimit', 'nofile=64', '--ulimit', 'core=0:-1').rlimits).toEqual([
      { type: 'RLIMIT_NOFILE', soft: 64, hard: 64 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 'unlimited' },
    ])
  })

  it('reads file systems in memory', () => {
    expect(parse('--tmpfs', '/run', '--tmpfs', '/tmp:size=1m,exec').tmpfs).toEqual({
      '/run': '',
      '/tmp': 'size=1m,exec',
    })
  })

  it.each([
    [['--device', ':/dev/x'], 'HOST[:CONTAINER][:rwm] is needed'],
    [['--ulimit', 'nofile'], 'NAME=SOFT[:HARD] is needed'],
    [['--ulimit', 'paper=1'], 'there is no limit paper'],
    [['--oom-score-adj', 'much'], 'a whole number is needed'],
  ])('refuses %j', (argv, why) => {
    expect(() => parse(...argv)).toThrow(why)
  })
})
