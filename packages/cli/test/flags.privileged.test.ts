import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import type { Ended } from './ctrjs.js'
import { blockDevices, needs, setUp } from './suite.js'

jest.setTimeout(120_000)
leakCheck()

describeOn(needs, 'flags of ctrjs without a daemon', () => {
  const suite = setUp()
  const run = async (...args: string[]): Promise<Ended> => await suite.ctrjs.run(...args)
  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(...args)
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  const inBackground = async (name: string, script: string, ...flags: string[]): Promise<void> => {
    const all = ['--name', name, '--network', 'none', ...flags]
    await ok('run', '-d', ...all, suite.image, 'sh', '-c', script)
  }

  it('shows the last lines of logs of each stream, and goes on from there', async () => {
    await inBackground('printer', 'for n in 1 2 3; do echo o$n; echo e$n >&2; done; sleep 0.5; echo o4')
    await ok('wait', 'printer')
    expect(await run('logs', '--tail', '2', 'printer')).toEqual({
      ...{ code: 0, stdout: 'o3\no4\n', stderr: 'e2\ne3\n' },
    })
    expect(await run('logs', '-n', '0', 'printer')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await run('logs', '-f', '-n', 'all', 'printer')).stdout).toBe('o1\no2\no3\no4\n')
    await ok('rm', 'printer')
  })

  it('says that only a daemon knows when what was printed', async () => {
    await inBackground('printer', 'echo out')
    await ok('wait', 'printer')
    for (const flags of [['-t'], ['--since', '10m'], ['--until', '2026-01-02T03:04:05Z'], ['--details']]) {
      const { code, stdout, stderr } = await run('logs', ...flags, 'printer')
      expect({ flags, code, stdout, stderr }).toEqual({
        ...{ flags, code: 1, stdout: '' },
        stderr: expect.stringMatching(/^ctrjs: cannot .* without a daemon: start `ctrjs daemon`/),
      })
    }
    expect(await run('logs', '--since', 'once', 'printer')).toMatchObject({ code: 125 })
    expect(await run('logs', '--tail', 'some', 'printer')).toMatchObject({ code: 125 })
    await ok('rm', 'printer')
  })

  it('asks containers to end by another signal', async () => {
    const script = 'trap "exit 6" USR1; trap "" TERM; echo ready; while :; do sleep 0.1; done'
    await inBackground('trap', script)
    while ((await ok('logs', 'trap')) === '');
    await ok('stop', '-s', 'USR1', '-t', '60', 'trap')
    expect(await ok('wait', 'trap')).toBe('6\n')
    await ok('start', 'trap')
    while ((await ok('logs', 'trap')) !== 'ready\nready\n');
    await ok('restart', '--signal', 'SIGUSR1', '-t', '60', 'trap')
    expect(await run('stop', '-s', 'NOSUCH', 'trap')).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/^ctrjs: cannot use signal "NOSUCH"/) },
    })
    await ok('rm', '-f', 'trap')
  })

  it('writes the id of a container into a file that is not there, and reads labels from one', async () => {
    const [cidfile, labels] = [join(suite.folder, 'cid'), join(suite.folder, 'labels')]
    writeFileSync(labels, '# of a file\nfrom=file\nboth=file\n')
    const flags = ['--cidfile', cidfile, '--label-file', labels, '-l', 'both=flag', '--network', 'none']
    const id = (await ok('create', ...flags, suite.image, 'true')).trim()
    expect(readFileSync(cidfile, 'utf8')).toBe(id)
    expect(await ok('inspect', '-f', '{{json .Config.Labels}}', id)).toBe('{"from":"file","both":"flag"}\n')
    expect(await run('run', ...flags, suite.image, 'true')).toMatchObject({
      ...{ code: 125, stderr: expect.stringMatching(/^ctrjs: cannot write the container id to .*is there/) },
    })
    await ok('rm', id)
  })

  it('prunes what filters name alone', async () => {
    for (const [name, label] of [
      ['old', 'keep=no'],
      ['new', 'keep=yes'],
    ] as const) {
      await ok('create', '--name', name, '-l', label, '--network', 'none', suite.image, 'true')
      await ok('network', 'create', '--label', label, `net-${name}`)
      await ok('volume', 'create', '--label', label, `vol-${name}`)
    }
    expect(await ok('network', 'ls', '-f', 'label=keep', '--format', '{{.Name}} {{.Labels}}')).toBe(
      'net-new keep=yes\nnet-old keep=no\n',
    )
    expect(await ok('volume', 'ls', '-q', '-f', 'dangling=true', '-f', 'label=keep=yes')).toBe('vol-new\n')
    const filter = ['--filter', 'label=keep', '--filter', 'label!=keep=yes']
    expect(await ok('network', 'prune', '-f', ...filter)).toBe('Deleted Networks:\nnet-old\n\n')
    expect(await ok('volume', 'prune', '-f', '--all', ...filter)).toBe('Deleted Volumes:\nvol-old\n\n')
    expect(await ok('container', 'prune', '-f', '--filter', 'until=1h')).toBe('')
    expect(await ok('container', 'prune', '-f', ...filter)).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\n/)
    expect(await ok('ps', '-a', '--format', '{{.Names}}')).toBe('new\n')
    await ok('rm', 'new')
    expect(await ok('images', 'prune', '-af', '--filter', 'label=nosuch')).toMatch(/^Total/)
    expect(await ok('images', 'prune', '-af', '--filter', 'until=2026-01-02')).toMatch(
      /^Deleted Images:\nuntagged/,
    )
    await ok('pull', '-q', suite.image)
    expect(await run('system', 'prune', '-f', '--volumes', '--filter', 'until=1h')).toMatchObject({
      ...{ code: 125, stderr: expect.stringContaining('is not supported with --volumes') },
    })
    expect(await run('volume', 'prune', '-f', '--filter', 'until=1h')).toMatchObject({
      ...{
        code: 125,
        stderr: expect.stringMatching(/^ctrjs: invalid filter "until": label, label! are there\n/),
      },
    })
    expect(await ok('system', 'prune', '-f', '--filter', 'label=keep=yes')).toMatch(
      /^Deleted Networks:\nnet-new\n\nTotal reclaimed space: 0B\n$/,
    )
    await ok('volume', 'rm', 'vol-new')
  })

  it('joins the streams that are named, and keeps signals where that is asked for', async () => {
    const script = ['sh', '-c', 'echo out; echo err >&2']
    const of = (stream: string): Promise<Ended> =>
      run('run', '--rm', '-a', stream, '--network', 'none', suite.image, ...script)
    expect(await of('stdout')).toEqual({ code: 0, stdout: 'out\n', stderr: '' })
    expect(await of('stderr')).toEqual({ code: 0, stdout: '', stderr: 'err\n' })
    const silent = await suite.ctrjs.feed(
      'typed',
      ...['run', '--rm', '-i', '-a', 'stdin', '--network', 'none', suite.image, 'cat'],
    )
    expect(silent).toEqual({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/), stderr: '' })
    expect(await run('run', '-d', '-a', 'stdout', suite.image)).toMatchObject({ code: 125 })
    const trap = 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    const flags = ['--name', 'kept', '--sig-proxy=false', '--network', 'none']
    const child = suite.ctrjs.start('run', ...flags, suite.image, 'sh', '-c', trap)
    const exit = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await exit).toEqual([null, 'SIGTERM']) // it ends by it, as it passes none on
    while ((await ok('ps', '-aq')) !== ''); // what was attached ends with its command
  })

  it('counts what files of containers take', async () => {
    await inBackground('writer', 'head -c 100000 /dev/zero >/written; echo done; sleep 60')
    while ((await ok('logs', 'writer')) === '');
    expect(await ok('ps', '--format', '{{.Size}}')).toMatch(/^\d+kB \(virtual \d+(\.\d+)?MB\)\n$/)
    expect(await ok('ps', '-s')).toMatch(/^CONTAINER ID .* NAMES +SIZE\n.* writer +\d+kB \(virtual /)
    const [{ SizeRw, SizeRootFs }] = JSON.parse(await ok('inspect', '-s', 'writer')) as [
      { SizeRw: number; SizeRootFs: number },
    ]
    expect(SizeRw).toBeGreaterThanOrEqual(100_000)
    expect(SizeRootFs).toBeGreaterThan(SizeRw)
    expect(await ok('inspect', 'writer')).not.toContain('SizeRw')
    expect(await ok('system', 'df', '-v')).toMatch(
      /^Images space usage:\n\nREPOSITORY .*\n[^]*\nContainers space usage:\n\n.*\n.* writer\n\nLocal Volumes space usage:\n\nVOLUME NAME +LINKS +SIZE\n$/,
    )
    await ok('rm', '-f', 'writer')
  })

  it('limits how fast a device is read', async () => {
    const device = blockDevices()[0]!
    const flags = ['--device-read-bps', `${device}:1mb`, '--device-write-iops', `${device}:100`]
    await inBackground('slow', 'sleep 60', ...flags)
    const { State } = (JSON.parse(await ok('inspect', 'slow')) as [{ State: { Pid: number } }])[0]
    const group = /^\d+:(?:[^:]*,)?blkio(?:,[^:]*)?:(.*)$/m.exec(
      readFileSync(`/proc/${State.Pid}/cgroup`, 'utf8'),
    )?.[1]
    const rates = readFileSync(`/sys/fs/cgroup/blkio${group!}/blkio.throttle.read_bps_device`, 'utf8')
    expect(rates).toMatch(/^\d+:\d+ 1048576\n$/)
    await ok('rm', '-f', 'slow')
    expect(await run('run', '--device-read-bps', '/dev/null:1', suite.image)).toMatchObject({
      ...{ code: 125, stderr: expect.stringContaining('"/dev/null": it is no block device of this host') },
    })
  })

  it('gives further addresses, chooses the way out, and says what the kernel does not have', async () => {
    for (const [name, subnet] of Object.entries({ low: '10.171.0.0/24', high: '10.172.0.0/24' }))
      await ok('network', 'create', '--subnet', subnet, name)
    const networks = ['--network', 'low', '--network', 'high,gw-priority=1', '--link-local-ip', '169.254.9.1']
    const look = 'ip -o addr show eth0; ip route | grep ^default'
    expect(await ok('run', '--rm', ...networks, suite.image, 'sh', '-c', look)).toMatch(
      /inet 169\.254\.9\.1\/16 [^]*default via 10\.172\.0\.1 /,
    )
    const here = ['--isolation', 'default', '--runtime', 'runc', '--volume-driver', 'local']
    expect(await ok('run', '--rm', '--network', 'none', ...here, suite.image, 'echo', 'here')).toBe('here\n')
    const group = ['--cgroupns', 'host', '--cgroup-parent', '/']
    expect(await run('run', '--network', 'none', ...group, suite.image, 'true')).toMatchObject({
      ...{ code: 125, stderr: expect.stringContaining('cannot use the parent cgroup "/"') },
    })
    for (const [flag, value, said] of [
      ['--isolation', 'process', 'default are there without a daemon'],
      ['--runtime', 'kata', 'ctr, runc are there without a daemon'],
      ['--volume-driver', 'nfs', 'local are there without a daemon'],
      ['--blkio-weight-device', '/dev/no-such:300', 'no-such'],
      ['--cpu-rt-runtime', 'much', 'for --cpu-rt-runtime'],
    ] as const)
      expect(await run('run', '--network', 'none', flag, value, suite.image, 'true')).toMatchObject({
        ...{ code: 125, stderr: expect.stringContaining(said) },
      })
    await ok('network', 'rm', 'low', 'high')
  })

  it('names what only daemons serve', async () => {
    for (const flags of [
      ...[
        ['--link', 'x'],
        ['--annotation', 'a=b'],
        ['--detach-keys', 'a'],
      ],
    ])
      expect(await run('run', ...flags, suite.image)).toMatchObject({
        ...{ code: 1, stderr: expect.stringMatching(`cannot serve ${flags[0]!} without a daemon`) },
      })
    for (const flag of [['--config-only'], ['--config-from=x'], ['--ipam-driver=x'], ['--ipam-opt=a=b']])
      expect(await run('network', 'create', ...flag, 'net')).toMatchObject({
        ...{ code: 1, stderr: expect.stringContaining(`${flag[0]!.split('=')[0]!} without a daemon`) },
      })
    await ok('network', 'create', '--ipam-driver', 'default', 'net')
    await ok('network', 'rm', 'net')
  })

  it('pulls all tags of a repository, and shows the history of a platform', async () => {
    const repository = `${suite.registry}/test/tags`
    for (const tag of ['1', '2']) {
      await ok('tag', suite.image, `${repository}:${tag}`)
      await run('push', '-q', `${repository}:${tag}`)
      await ok('rmi', `${repository}:${tag}`)
    }
    expect(await ok('pull', '-aq', repository)).toBe(`${repository}\n`)
    expect(await ok('images', '--format', '{{.Repository}}:{{.Tag}}')).toContain(
      `${repository}:1\n${repository}:2\n`,
    )
    expect(await run('pull', '-a', `${repository}:1`)).toMatchObject({ code: 125 })
    const platform = ['--platform', `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`]
    expect(await ok('history', '-q', ...platform, suite.image)).toBe(await ok('history', '-q', suite.image))
    expect((await run('history', '--platform', 'linux/s390x', suite.image)).code).toBe(1)
    await ok('rmi', `${repository}:1`, `${repository}:2`)
  })

  it('shows no empty lists as defaults', async () => {
    expect(await ok('--help')).not.toContain('[]')
  })

  it('shows by templates', async () => {
    expect(await ok('version', '--format', '{{.Client.NodeVersion}} {{.Server}}')).toBe(
      `${process.versions.node} <no value>\n`,
    )
    expect(await ok('info', '-f', '{{.storageDriver}}')).toBe('overlay\n')
    expect(await ok('images', '--digests')).toMatch(
      /^REPOSITORY +TAG +DIGEST +IMAGE ID .*\n.* sha256:[0-9a-f]{64} /,
    )
    await inBackground('sleeper', 'sleep 60')
    expect(await ok('stats', '--format', '{{.Name}} {{.PIDs}}')).toBe('sleeper 1\n')
    await ok('rm', '-f', 'sleeper')
  })
})
