import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ended } from './ctrjs.js'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'ctrjs run', () => {
  const suite = setUp({ pull: false })

  it('runs a program in a copy of the host', async () => {
    expect(await suite.ctrjs.run('run', '--rm', '--rootfs', '/', 'echo', 'hi')).toEqual({
      code: 0,
      stdout: 'hi\n',
      stderr: '',
    })
  })

  it('pulls an unknown image first, and tells about it on standard error', async () => {
    expect((await suite.ctrjs.run('run', '--pull', 'never', suite.image, 'true')).code).toBe(125)
    const first = await suite.ctrjs.run('run', '--rm', suite.image, 'echo', 'hi')
    expect(first).toMatchObject({ code: 0, stdout: 'hi\n' })
    expect(first.stderr).toMatch(
      /^Unable to find image '.*' locally\n.*: sha256:[0-9a-f]{64}\n[0-9a-f]{12}: Downloading\n[0-9a-f]{12}: Download complete\nDigest: /,
    )
    expect(await suite.ctrjs.run('run', '--rm', suite.image, 'echo', 'hi')).toEqual({
      code: 0,
      stdout: 'hi\n',
      stderr: '',
    })
    expect(await suite.ctrjs.run('pull', '-q', suite.image)).toEqual({
      code: 0,
      stdout: `${suite.image}\n`,
      stderr: '',
    })
  })

  it.each([
    ['0', ['true']],
    ['3', ['sh', '-c', 'exit 3']],
    ['126', ['/etc/motd']],
    ['127', ['nosuch']],
    ['137', ['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?']],
  ])('exits with %s as the program does', async (code, command) => {
    expect((await suite.ctrjs.run('run', '--rm', '--network', 'none', suite.image, ...command)).code).toBe(
      Number(code),
    )
  })

  it('exits with 125 for what is wrong before the container runs', async () => {
    const failed = await suite.ctrjs.run('run', '--rm', '--network', 'mine', suite.image)
    expect(failed).toEqual({
      code: 125,
      stdout: '',
      stderr: expect.stringMatching(
        /^ctrjs: cannot start container [0-9a-f]{12}: cannot find network mine: there is none\n\nRun 'ctrjs run --help' for more information\n$/,
      ),
    })
    expect((await suite.ctrjs.run('run', '--nosuch')).code).toBe(125)
    expect(await suite.ctrjs.run('run')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Usage:  ctrjs run [OPTIONS] IMAGE|PATH [COMMAND] [ARG...]'),
    })
  })

  it('copies input, output and errors', async () => {
    const command = ['sh', '-c', 'cat; echo err >&2']
    expect(
      await suite.ctrjs.feed('in\n', 'run', '-i', '--rm', '--network', 'none', suite.image, ...command),
    ).toEqual({
      code: 0,
      stdout: 'in\n',
      stderr: 'err\n',
    })
    expect(
      await suite.ctrjs.feed('in\n', 'run', '--rm', '--network', 'none', suite.image, ...command),
    ).toEqual({
      code: 0,
      stdout: '',
      stderr: 'err\n',
    })
  })

  it('loses nothing of much output, and ends when nobody reads it', async () => {
    const much = await suite.ctrjs.run(
      'run',
      '--rm',
      '--network',
      'none',
      suite.image,
      'sh',
      '-c',
      'yes 0123456 | head -c 8000000',
    )
    expect({ code: much.code, bytes: much.stdout.length }).toEqual({ code: 0, bytes: 8_000_000 })
    const slow = suite.ctrjs.start(
      'run',
      '--rm',
      '--network',
      'none',
      suite.image,
      'sh',
      '-c',
      'yes | head -c 1000000',
    )
    await sleep(1000) // the program has ended long since, and nobody has read yet
    expect((await ended(slow)).stdout.length).toBe(1_000_000)
    const child = suite.ctrjs.start(
      'run',
      '--rm',
      '--network',
      'none',
      suite.image,
      'sh',
      '-ec',
      'while :; do cat /bin/busybox; done', // in pieces that fill what is between it and its reader
    )
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect((await exited)[0]).not.toBe(0)
  })

  it('passes signals on, and kills at the third that asks for the end', async () => {
    const polite = suite.ctrjs.start(
      'run',
      '--rm',
      '--network',
      'none',
      suite.image,
      'sh',
      '-c',
      'trap "echo told; exit 9" TERM; echo ready; sleep 60 & wait',
    )
    const told = ended(polite)
    await once(polite.stdout, 'data')
    polite.kill('SIGTERM')
    expect(await told).toMatchObject({ code: 9, stdout: 'ready\ntold\n' })
    const deaf = suite.ctrjs.start(
      'run',
      '--rm',
      '--network',
      'none',
      suite.image,
      'sh',
      '-c',
      'echo ready; exec sleep 60',
    )
    const killed = ended(deaf)
    await once(deaf.stdout, 'data')
    for (let n = 0; n < 3; n++) {
      deaf.kill('SIGINT')
      await sleep(50)
    }
    expect((await killed).code).toBe(137)
  })

  it('sets environment, user, folder, host name, volumes and a read-only root', async () => {
    const data = join(suite.folder, 'data')
    const { stdout, code } = await suite.ctrjs.run(
      ...[
        'run',
        '--rm',
        '--network',
        'none',
        '-e',
        'A=1',
        '-u',
        '1000:1000',
        '-w',
        '/data',
        '-h',
        'box',
        '-v',
        `${data}:/data:ro`,
        '--read-only',
        suite.image,
      ],
      ...['sh', '-c', 'echo $A $(id -u):$(id -g) $(pwd) $HOSTNAME; echo x > /data/x; echo x > /x; true'],
    )
    expect({ stdout, code }).toEqual({ stdout: '1 1000:1000 /data box\n', code: 0 })
  })

  it('sets what a container shares with the host, devices, limits and file systems in memory', async () => {
    const { stdout, code } = await suite.ctrjs.run(
      ...['run', '--rm', '--network', 'none', '--ulimit', 'nofile=64:128', '--oom-score-adj', '100'],
      ...['--tmpfs', '/scratch:size=1m', '--group-add', '7', '--uts', 'host', '--pid', 'host', suite.image],
      ...['sh', '-c', 'ulimit -n; cat /proc/self/oom_score_adj; id -G; echo $PPID; cat /proc/mounts'],
    )
    const [files, score, groups, parent, ...mounts] = stdout.trim().split('\n')
    expect({ code, files, score, groups }).toEqual({ code: 0, files: '64', score: '100', groups: '0 7' })
    expect(Number(parent)).toBeGreaterThan(0) // which a process of a namespace of its own does not see
    expect(mounts).toContainEqual(expect.stringMatching(/^tmpfs \/scratch tmpfs .*size=1024k/))
  })

  it('gives everything with --privileged, and a device alone with --device', async () => {
    const look = ['sh', '-c', 'ls /dev/kmsg /dev/full; cat /proc/self/status']
    const run = async (...flags: string[]): Promise<string> =>
      (await suite.ctrjs.run('run', '--rm', '--network', 'none', ...flags, suite.image, ...look)).stdout
    expect(await run('--privileged')).toMatch(/^\/dev\/full\n\/dev\/kmsg\n[^]*Seccomp:\t0/)
    expect(await run('--device', '/dev/kmsg')).toMatch(/^\/dev\/full\n\/dev\/kmsg\n[^]*Seccomp:\t2/)
    expect(await run()).toMatch(/^\/dev\/full\nName:/)
  })

  it('reports the memory limit', async () => {
    const { code } = await suite.ctrjs.run(
      'run',
      '--name',
      'hungry',
      '--network',
      'none',
      '-m',
      '16m',
      suite.image,
      'tail',
      '/dev/zero',
    )
    expect(code).toBe(137)
    const [found] = JSON.parse((await suite.ctrjs.run('inspect', 'hungry')).stdout) as {
      State: object
      HostConfig: object
    }[]
    expect(found).toMatchObject({
      State: { Status: 'exited', OOMKilled: true, ExitCode: 137 },
      HostConfig: { Memory: 2 ** 24 },
    })
    expect(await suite.ctrjs.run('rm', 'hungry')).toEqual({ code: 0, stdout: 'hungry\n', stderr: '' })
  })

  it('explains a set-up instead of making it', async () => {
    const { stdout, code } = await suite.ctrjs.run(
      'run',
      '--explain',
      '--network',
      'none',
      suite.image,
      'true',
    )
    expect(code).toBe(0)
    expect(stdout).toContain('pivot_root(".", ".")')
    expect(stdout).toContain('execve(')
  })
})
