import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { leakCheck, onTerminal } from '@ctr/testing'
import { describeDaemons } from './remote-suite.js'
import { blockDevices } from './suite.js'

jest.setTimeout(120_000)
leakCheck()

describeDaemons('flags of ctrjs -H', (name, { suite, host, run, ok }) => {
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

  it('hands on rates of devices, annotations and a parent cgroup', async () => {
    const device = blockDevices()[0]!
    const rates = ['--device-read-bps', `${device}:1mb`, '--device-write-iops', `${device}:100`]
    await ok('create', '--name', 'rated', ...rates, '--annotation', 'a=b', suite.image, 'true')
    const [{ HostConfig }] = JSON.parse(await ok('inspect', 'rated')) as [{ HostConfig: object }]
    expect(HostConfig).toMatchObject({
      BlkioDeviceReadBps: [{ Path: device, Rate: 2 ** 20 }],
      BlkioDeviceWriteIOps: [{ Path: device, Rate: 100 }],
    })
    await ok('create', '--name', 'below', '--cgroup-parent', '/mine', suite.image, 'true')
    expect(await ok('inspect', '-f', '{{.HostConfig.CgroupParent}}', 'below')).toBe('/mine\n')
    await ok('rm', 'rated', 'below')
  })

  it('hands on addresses, priorities, and choices that a daemon may not have', async () => {
    await ok('network', 'create', '--subnet', '10.173.0.0/24', 'linked')
    const flags = ['--network', 'linked', '--link-local-ip', '169.254.9.1', '--runtime', 'runc']
    await ok('run', '-d', '-q', '--name', 'linked', ...flags, suite.image, 'sleep', '1000')
    const shown = '{{json .NetworkSettings.Networks.linked.IPAMConfig.LinkLocalIPs}} {{.HostConfig.Runtime}}'
    expect(await ok('inspect', '-f', shown, 'linked')).toBe('["169.254.9.1"] runc\n')
    expect(await ok('exec', 'linked', 'sh', '-c', 'ip -o addr show eth0')).toContain('169.254.9.1/16')
    await ok('rm', '-f', 'linked')
    await ok('network', 'rm', 'linked')
    for (const [flag, value] of [
      ['--isolation', 'hyperv'],
      ['--runtime', 'no-such'],
      ['--volume-driver', 'no-such'],
    ] as const)
      expect(
        await run('run', '-q', '--network', 'none', '-v', 'kept:/kept', flag, value, suite.image, 'true'),
      ).toMatchObject({ code: 125 })
    await run('volume', 'rm', 'kept')
  })

  it('joins the streams that are named, and leaves by other keys', async () => {
    const script = ['sh', '-c', 'echo out; echo err >&2']
    const ran = async (stream: string): Promise<unknown> =>
      await run('run', '-a', stream, '--rm', '--network', 'none', suite.image, ...script)
    expect(await ran('stdout')).toEqual({ code: 0, stdout: 'out\n', stderr: '' })
    expect(await ran('stderr')).toEqual({ code: 0, stdout: '', stderr: 'err\n' })
    const keys = ['--detach-keys', 'ctrl-a,x', '--network', 'none']
    const line = suite.ctrjs.line('-H', host(), 'run', '-it', '--name', 'left', ...keys, suite.image)
    const shown = await onTerminal('\\x01x', [...line, 'sh', '-c', 'echo ready; cat'], suite.ctrjs.env)
    expect(shown).toMatch(/exit code 0, terminal restored\n$/)
    const exec = suite.ctrjs.line('-H', host(), 'exec', '-it', '--detach-keys', 'z', 'left')
    expect(await onTerminal('z', [...exec, 'sh', '-c', 'echo ready; sleep 1000'], suite.ctrjs.env)).toMatch(
      /exit code 0, terminal restored\n$/,
    )
    expect(await ok('ps', '--format', '{{.Names}}')).toBe('left\n')
    await ok('rm', '-f', 'left')
  })

  it('keeps signals of a command, whose container goes on', async () => {
    await inBackground('on', 'trap "exit 3" TERM; while :; do echo tick; sleep 0.1; done')
    const child = suite.ctrjs.start('-H', host(), 'attach', '--sig-proxy=false', 'on')
    const exit = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await exit).toEqual([null, 'SIGTERM'])
    expect(await ok('inspect', '-f', '{{.State.Running}}', 'on')).toBe('true\n')
    await ok('rm', '-f', 'on')
  })

  it('counts what files of containers take', async () => {
    await inBackground('writer', 'head -c 100000 /dev/zero >/written; echo done; sleep 60')
    while ((await ok('logs', 'writer')) === '') await sleep(50)
    expect(await ok('ps', '-s')).toMatch(/ NAMES +SIZE\n.* writer +\d+kB \(virtual /)
    const [{ SizeRw }] = JSON.parse(await ok('inspect', '-s', 'writer')) as [{ SizeRw: number }]
    expect(SizeRw).toBeGreaterThanOrEqual(100_000)
    expect(await ok('system', 'df', '-v')).toMatch(
      /^Images space usage:\n\n[^]*\nContainers space usage:\n\n.*\n.* writer\n\nLocal Volumes space usage:\n/,
    )
    await ok('rm', '-f', 'writer')
  })

  it('pulls all tags of a repository, and makes networks of configurations', async () => {
    const repository = `${suite.registry}/test/tags`
    for (const tag of ['1', '2']) {
      await ok('tag', suite.image, `${repository}:${tag}`)
      await ok('push', '-q', `${repository}:${tag}`)
      await ok('rmi', `${repository}:${tag}`)
    }
    expect(await ok('pull', '-aq', repository)).toBe(`${repository}\n`)
    expect((await ok('images', '--format', '{{.Tag}}', repository)).split('\n').sort()).toEqual([
      '',
      '1',
      '2',
    ])
    await ok('rmi', `${repository}:1`, `${repository}:2`)
    const only = await run('network', 'create', '--config-only', '--subnet', '10.77.0.0/24', 'conf')
    if (name === 'dockerd') {
      expect(await ok('network', 'inspect', '-f', '{{.ConfigOnly}}', 'conf')).toBe('true\n')
      await ok('network', 'rm', 'conf')
    } else expect(only.stderr).toContain('invalid value of ConfigOnly: not supported')
    await ok('network', 'create', '--ipam-driver', 'default', '--subnet', '10.78.0.0/24', 'plain')
    await ok('network', 'rm', '-f', 'plain', 'nosuch')
  })
})
