import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'docker run and its kin', () => {
  const suite = setUp()

  it('runs a program, with its output and its exit code', async () => {
    expect(
      await suite.docker(
        'run',
        '--rm',
        '--network',
        'none',
        image,
        'sh',
        '-c',
        'echo out; echo err >&2; exit 7',
      ),
    ).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    expect(await suite.ok('ps', '-aq')).toBe('')
  })

  it('has the exit codes of what cannot be run', async () => {
    const missing = await suite.docker('run', '--rm', '--network', 'none', image, 'no-such-program')
    expect(missing).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('executable file not found in $PATH'),
    })
    const unreadable = await suite.docker('run', '--rm', '--network', 'none', image, '/etc/passwd')
    expect(unreadable).toMatchObject({ code: 126, stderr: expect.stringContaining('permission denied') })
    const refused = await suite.docker('run', '--rm', '--gpus', 'all', image, 'true')
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('HostConfig.DeviceRequests') })
  })

  it('writes the id where it is asked to, and warns of what means nothing', async () => {
    const path = `${suite.folder}/id`
    const options = ['--network', 'host', '-p', '80:80', '--cidfile', path]
    const { code, stdout, stderr } = await suite.docker('create', '--name', 'noted', ...options, image)
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('Published ports are discarded when using host network mode'),
    })
    expect(readFileSync(path, 'utf8')).toBe(stdout.trim())
    expect((await suite.docker('rename', 'noted', 'noted')).stderr).toContain('same name')
    await suite.ok('rm', 'noted')
  })

  it('takes variables away that the client has not', async () => {
    const printed = await suite.ok('run', '--rm', '-e', 'NO_SUCH', '-e', 'A=', '-e', 'HOSTNAME', image, 'env')
    expect(printed.split('\n').sort()).toEqual(['A=', 'HOME=/root', 'PATH=/bin'])
  })

  it('has what programs look at to know that they are in a container, and no change by it', async () => {
    const look = 'test -e /.dockerenv && readlink /etc/mtab'
    await suite.ok('run', '--name', 'looks', '--read-only', '--network', 'none', image, 'sh', '-c', look)
    expect(await suite.ok('logs', 'looks')).toBe('/proc/mounts')
    expect(await suite.ok('diff', 'looks')).toBe('')
    await suite.ok('rm', 'looks')
  })

  it('gives input to a program, to its end', async () => {
    const { code, stdout } = await suite.feed(
      'one\ntwo\n',
      'run',
      '-i',
      '--rm',
      '--network',
      'none',
      image,
      'wc',
      '-l',
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: '2\n' })
  })

  it('goes through the life of a container', async () => {
    const id = await suite.ok(
      'run',
      '-d',
      '--name',
      'life',
      '--network',
      'none',
      image,
      'sh',
      '-c',
      'trap "exit 5" TERM; while :; do sleep 0.1; done',
    )
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await suite.ok('ps', '--format', '{{.Names}} {{.Image}} {{.State}}')).toBe(`life ${image} running`)
    await suite.ok('pause', 'life')
    expect(await suite.docker('exec', 'life', 'true')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Container life is paused, unpause the container before exec'),
    })
    expect(await suite.ok('inspect', '-f', '{{.State.Status}} {{.State.Paused}}', 'life')).toBe('paused true')
    await suite.ok('unpause', 'life')
    expect(await suite.ok('top', 'life')).toMatch(/^UID +PID +PPID .*\n.*sleep/s)
    await suite.ok('rename', 'life', 'other')
    await suite.ok('stop', 'other')
    expect(await suite.ok('wait', 'other')).toBe('5')
    expect(await suite.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.Name}}', 'other')).toBe(
      'exited 5 /other',
    )
    await suite.ok('start', 'other')
    await suite.ok('restart', '-t', '1', 'other')
    await suite.ok('kill', 'other')
    expect(await suite.ok('wait', 'other')).toBe('137')
    expect(await suite.docker('kill', 'other')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot kill container: other: .* is not running/),
    })
    expect((await suite.docker('rm', 'none-such')).stderr).toContain('No such container: none-such')
    await suite.ok('rm', 'other')
    expect(await suite.ok('ps', '-aq')).toBe('')
  })

  it('shows what holds where nothing was said', async () => {
    await suite.ok('create', '--name', 'plain', '--memory', '64m', '--mount', 'type=tmpfs,dst=/t', image)
    const host = JSON.parse(await suite.ok('inspect', '-f', '{{json .HostConfig}}', 'plain')) as object
    expect(host).toMatchObject({
      NetworkMode: 'bridge',
      ShmSize: 67_108_864,
      MemorySwap: 134_217_728,
      MemorySwappiness: null,
      PidsLimit: null,
      CpusetCpus: '',
      DeviceRequests: null,
      MaskedPaths: expect.arrayContaining(['/proc/kcore']),
      ReadonlyPaths: expect.arrayContaining(['/proc/sys']),
    })
    const config = JSON.parse(await suite.ok('inspect', '-f', '{{json .Config}}', 'plain')) as object
    expect(config).toMatchObject({ Volumes: null, OnBuild: null })
    expect(config).not.toHaveProperty('NetworkingConfig')
    expect(await suite.ok('inspect', '-f', '{{json .Mounts}}', 'plain')).toBe(
      '[{"Type":"tmpfs","Source":"","Destination":"/t","Mode":"","RW":true,"Propagation":""}]',
    )
    await suite.ok('run', '-d', '--init', '--name', 'donor', '--network', 'none', image, 'sleep', '100')
    await suite.ok(
      'run',
      '-d',
      '--init',
      '--name',
      'guest',
      '--network',
      'container:donor',
      image,
      'sleep',
      '9',
    )
    expect(await suite.ok('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'guest')).toBe('{}')
    for (const [flags, said] of [
      [['--hostname', 'x'], 'hostname and the network mode'],
      [['-p', '80'], 'port publishing and the container type network mode'],
      [['--dns', '192.0.2.1'], 'dns and the network mode'],
    ] as const)
      expect(await suite.docker('create', '--network', 'container:donor', ...flags, image)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`conflicting options: ${said}`),
      })
    expect((await suite.docker('inspect', 'x', 'no:such')).stderr).toBe(
      'Error: No such object: x\nError: No such object: no:such\n',
    )
    await suite.ok('rm', '-f', 'plain', 'donor', 'guest')
  })

  it('shows logs: all, the last, since, with times, and as they come', async () => {
    const script = 'echo one; echo two >&2; read x; echo three; echo "got $x"'
    await suite.ok('create', '-i', '--name', 'logs', '--network', 'none', image, 'sh', '-c', script)
    await suite.ok('start', 'logs')
    const following = suite.docker('logs', '-f', 'logs')
    const attached = await suite.feed('input\n', 'attach', 'logs')
    expect(attached.stdout).toBe('three\ngot input\n')
    expect(await following).toEqual({ code: 0, stdout: 'one\nthree\ngot input\n', stderr: 'two\n' })
    expect(await suite.ok('logs', '--tail', '2', 'logs')).toBe('three\ngot input')
    expect(await suite.ok('logs', '-t', '--tail', '1', 'logs')).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z got input$/,
    )
    expect(await suite.ok('logs', '--since', '2999-01-01T00:00:00Z', 'logs')).toBe('')
    expect(await suite.ok('logs', '--until', '2000-01-01T00:00:00Z', 'logs')).toBe('')
    await suite.ok('rm', 'logs')
  })

  it('removes: running ones by force, volumes without a name with -v', async () => {
    await suite.ok(
      'run',
      '-d',
      '--name',
      'gone',
      '-v',
      '/data',
      '-v',
      'kept:/kept',
      '--network',
      'none',
      image,
      'sleep',
      '100',
    )
    expect((await suite.docker('rm', 'gone')).stderr).toContain(
      'stop the container before removing or force remove',
    )
    await suite.ok('rm', '-f', '-v', 'gone')
    expect(await suite.ok('volume', 'ls', '-q')).toBe('kept')
    await suite.ok('volume', 'rm', 'kept')
  })

  it('removes one that is to start again by force only', async () => {
    await suite.ok('run', '-d', '--name', 'again', '--network', 'none', '--restart', 'always', image, 'false')
    const statusOf = async (): Promise<string> =>
      await suite.ok('inspect', '-f', '{{.State.Status}}', 'again')
    while ((await statusOf()) !== 'restarting') continue
    expect((await suite.docker('rm', 'again')).stderr).toMatch(
      /stop the container before removing|is running/,
    )
    await suite.ok('rm', '-f', 'again')
  })

  it('tells how containers are at any instant of their ends', async () => {
    const seen = new Set<string>()
    const look = setInterval(() => {
      for (const { status } of suite.engine.containers.all()) seen.add(status)
    }).unref()
    for (let n = 0; n < 40; n++) await suite.ok('run', '--rm', '--network', 'none', image, 'true')
    clearInterval(look)
    expect([...seen]).toEqual(expect.arrayContaining(['created', 'running']))
  })

  it('lists by filters', async () => {
    await suite.ok('create', '--name', 'a1', '--label', 'x=1', '--network', 'none', image)
    await suite.ok('create', '--name', 'a2', '--label', 'x=2', '--network', 'none', image)
    const list = (...filters: string[]) =>
      suite.ok('ps', '-a', '--format', '{{.Names}}', ...filters.flatMap((filter) => ['--filter', filter]))
    expect(await list('label=x=1')).toBe('a1')
    expect(await list('label=x', 'status=created')).toBe('a2\na1')
    expect(await list('name=^a2$')).toBe('a2')
    expect(await list('status=running')).toBe('')
    expect(await list(`ancestor=${image}`, 'since=a1')).toBe('a2')
    for (const wrong of ['nonsense=1', 'health=ill', 'exited=x', 'publish=x', 'status=x'])
      expect((await suite.docker('ps', '--filter', wrong)).stderr).toContain("invalid filter '")
    await suite.ok('container', 'prune', '-f')
    expect(await list()).toBe('')
  })
})
