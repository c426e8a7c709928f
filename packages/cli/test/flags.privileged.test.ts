import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import type { Ended } from './ctrjs.js'
import { needs, setUp } from './suite.js'

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
