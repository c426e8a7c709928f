import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { leakCheck } from '@ctr/testing'
import { describeDaemons } from './remote-suite.js'

jest.setTimeout(120_000)
leakCheck()

describeDaemons('flags of ctrjs -H', (name, { suite, run, ok }) => {
  const inBackground = async (name: string, script: string, ...flags: string[]): Promise<void> => {
    const all = ['-q', '--name', name, '--network', 'none', ...flags]
    await ok('run', '-d', ...all, suite.image, 'sh', '-c', script)
  }

  it('shows parts of logs, by lines and by time', async () => {
    await inBackground('printer', 'echo one; sleep 2.2; echo two')
    await ok('wait', 'printer')
    expect(await ok('logs', '--tail', '1', 'printer')).toBe('two\n')
    const stamped = (await ok('logs', '-t', 'printer')).trimEnd().split('\n')
    expect(stamped).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z one$/),
      expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z two$/),
    ])
    const middle = new Date(Date.parse(stamped[0]!.split(' ')[0]!) + 1000).toISOString()
    expect(await ok('logs', '--since', middle, 'printer')).toBe('two\n')
    expect(await ok('logs', '--until', middle, 'printer')).toBe('one\n')
    expect(await ok('logs', '--since', '1h', '-n', 'all', 'printer')).toBe('one\ntwo\n')
    await ok('rm', 'printer')
  })

  it('asks containers to end by another signal', async () => {
    await inBackground('trap', 'trap "exit 6" USR1; trap "" TERM; echo ready; while :; do sleep 0.1; done')
    while ((await ok('logs', 'trap')) === '') await sleep(50)
    const first = await run('stop', '-s', 'USR1', '-t', '60', 'trap')
    if (first.code !== 0) {
      // Docker has it since 23.0
      expect([name, first.stderr]).toEqual(['dockerd', expect.stringContaining('older than version 1.42')])
      await ok('rm', '-f', 'trap')
      return
    }
    expect(await ok('wait', 'trap')).toBe('6\n')
    await ok('start', 'trap')
    while ((await ok('logs', 'trap')) !== 'ready\nready\n') await sleep(50)
    await ok('restart', '--signal', 'SIGUSR1', '-t', '60', 'trap')
    expect(await run('stop', '-s', 'NOSUCH', 'trap')).toMatchObject({ code: 1 })
    await ok('rm', '-f', 'trap')
  })

  it('prunes what filters name alone', async () => {
    for (const [name, label] of [
      ['old', 'keep=no'],
      ['new', 'keep=yes'],
    ] as const) {
      await ok('create', '-q', '--name', name, '-l', label, '--network', 'none', suite.image, 'true')
      await ok('network', 'create', '--label', label, `net-${name}`)
      await ok('volume', 'create', '--label', label, `vol-${name}`)
    }
    expect(await ok('network', 'ls', '-f', 'label=keep=yes', '--format', '{{.Name}}')).toBe('net-new\n')
    expect(await ok('volume', 'ls', '-q', '-f', 'label=keep=yes')).toBe('vol-new\n')
    const filter = ['--filter', 'label=keep', '--filter', 'label!=keep=yes']
    expect(await ok('network', 'prune', '-f', ...filter)).toBe('Deleted Networks:\nnet-old\n\n')
    expect(await ok('volume', 'prune', '-f', '--all', ...filter)).toMatch(/^Deleted Volumes:\nvol-old\n\n/)
    expect(await ok('container', 'prune', '-f', '--filter', 'until=1h')).toBe('Total reclaimed space: 0B\n')
    expect(await ok('container', 'prune', '-f', ...filter)).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\n/)
    expect(await ok('images', 'prune', '-af', '--filter', 'label=nosuch')).toBe('Total reclaimed space: 0B\n')
    await ok('rm', 'new')
    await ok('network', 'rm', 'net-new')
    await ok('volume', 'rm', 'vol-new')
  })

  it('hands on what only a daemon serves', async () => {
    const flags = ['--expose', '80-81', '--expose', '53/udp', '--stop-timeout', '7', '-v', '/data']
    await ok('create', '-q', '--name', 'first', ...flags, suite.image, 'true')
    await ok('create', '--name', 'second', '-P', '--volumes-from', 'first:ro', suite.image, 'true')
    const [{ Config }] = JSON.parse(await ok('inspect', 'first')) as [{ Config: object }]
    expect(Config).toMatchObject({
      ...{ ExposedPorts: { '53/udp': {}, '80/tcp': {}, '81/tcp': {} }, StopTimeout: 7 },
    })
    const [{ Mounts }] = JSON.parse(await ok('inspect', 'second')) as [{ Mounts: object[] }]
    expect(Mounts).toMatchObject([{ Destination: '/data', RW: false }])
    await ok('rm', '-v', 'second', 'first')
    expect(await run('create', '--expose', '0', suite.image)).toMatchObject({ code: 125 })
  })
})
