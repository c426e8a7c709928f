import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from '@jest/globals'
import { MNT_DETACH, mount, MS_REMOUNT, umount2 } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { CloudWatch, keys } from './support/cloudwatch.js'
import { setEnv } from './support/set-env.js'
import { dockerEnv, image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'logs of containers', () => {
  const errors: string[] = []
  const suite = setUp({ onError: (error) => errors.push(String(error)) })
  const quiet = ['--network', 'none']
  const folderOf = (id: string): string => `${suite.folder}/root/engine/logs/${id}`

  afterEach(async () => {
    for (const container of suite.engine.containers.all())
      await container.remove({ force: true, volumes: true })
    errors.length = 0
  })

  it.each(['json-file', 'local'])('reads all files of a %s log that rotates', async (driver) => {
    const id = await suite.ok(
      'create',
      '--name',
      'rotates',
      ...quiet,
      ...['--log-driver', driver, '--log-opt', 'max-size=4k', '--log-opt', 'max-file=50'],
      ...[
        '--log-opt',
        'compress=true',
        '--log-opt',
        'labels=role',
        '--log-opt',
        'tag={{.Name}}',
        '-l',
        'role=x',
      ],
      image,
      ...['sh', '-c', 'for n in $(seq 1000); do echo "line $n"; done; echo late >&2'],
    )
    await suite.ok('start', 'rotates')
    await suite.ok('wait', 'rotates')
    const { stdout, stderr } = await suite.docker('logs', 'rotates')
    expect(stdout).toBe(Array.from({ length: 1000 }, (_, n) => `line ${n + 1}\n`).join(''))
    expect(stderr).toBe('late\n')
    expect((await suite.docker('logs', '--tail', '400', 'rotates')).stdout.split('\n')[0]).toBe('line 602')
    expect((await suite.docker('logs', '--tail', '1', '--details', 'rotates')).stderr).toBe(
      'role=x,tag=rotates late\n',
    )
    expect((await suite.docker('logs', '--until', '1h', 'rotates')).stdout).toBe('')
    expect((await suite.docker('logs', '--since', '1h', '-t', 'rotates')).stdout).toMatch(
      /^\d{4}-\d\d-\d\dT\S+Z line 1\n/,
    )
    const path = await suite.ok('inspect', '-f', '{{.LogPath}}', 'rotates')
    expect(path).toBe(driver === 'local' ? '' : `${folderOf(id)}/${id}-json.log`)
    const files = readdirSync(driver === 'local' ? `${folderOf(id)}/local-logs` : folderOf(id))
    expect(files.filter((name) => name.endsWith('.gz')).length).toBeGreaterThan(5)
    if (driver === 'local') return
    expect(JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '')).toEqual({
      log: expect.stringMatching(/^line \d+\n$/) as unknown,
      stream: 'stdout',
      attrs: { role: 'x', tag: 'rotates' },
      time: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
    })
  })

  it('follows through rotations to the end', async () => {
    await suite.ok(
      ...[
        'run',
        '-d',
        '--name',
        'follow',
        ...quiet,
        '--log-opt',
        'max-size=2k',
        '--log-opt',
        'max-file=200',
        '-i',
      ],
      ...[image, 'sh', '-c', 'read x; for n in $(seq 2000); do echo "line $n"; done'],
    )
    const client = spawn('docker', ['logs', '-f', 'follow'], { env: dockerEnv(suite.socket) })
    const output = text(client.stdout)
    const container = suite.engine.containers.get('follow')
    container.stdin?.write('go\n')
    expect((await output).split('\n')).toHaveLength(2001)
    expect(await suite.ok('wait', 'follow')).toBe('0')
  })

  it('follows to a time that is to come', async () => {
    await suite.ok('run', '-d', '--name', 'ticks', ...quiet, image, 'sh', '-c', 'echo first; sleep 1000')
    const until = String(Date.now() / 1000 + 1)
    expect(await suite.ok('logs', '-f', '--until', until, 'ticks')).toBe('first')
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(Number(until))
  })

  it('keeps nothing with none, and refuses what is no driver or no option', async () => {
    await suite.ok('run', '--name', 'nothing', ...quiet, '--log-driver', 'none', image, 'echo', 'x')
    expect((await suite.docker('logs', 'nothing')).stderr).toContain(
      'configured logging driver does not support reading',
    )
    expect((await suite.docker('create', '--log-driver', 'asdf', image)).stderr).toContain(
      "logger: no log driver named 'asdf' is registered",
    )
    expect((await suite.docker('create', '--log-opt', 'nope=1', image)).stderr).toContain(
      "unknown log opt 'nope' for json-file log driver",
    )
    const drivers = await suite.ok('info', '-f', '{{.LoggingDriver}} {{json .Plugins.Log}}')
    expect(drivers).toMatch(/^json-file \[.*"json-file","local".*\]$/)
  })

  it('never stops a container whose log cannot be written', async () => {
    const logs = `${suite.folder}/root/engine/logs`
    mount('tmpfs', logs, 'tmpfs', 0, 'size=64k')
    try {
      const much = 'dd if=/dev/zero bs=1k count=400 2>/dev/null | tr "\\0" x | fold -w 64'
      await suite.ok(
        ...['run', '-d', '-i', '--name', 'full', ...quiet],
        ...[image, 'sh', '-c', `${much}; echo; read go; echo again; read go`],
      )
      const container = suite.engine.containers.get('full')
      while (errors.length === 0) await sleep(20)
      mount('tmpfs', logs, 'tmpfs', MS_REMOUNT, 'size=10m')
      container.stdin?.write('go\n')
      // with room again the log goes on, with whole entries only
      while (!(await suite.docker('logs', '--tail', '1', 'full')).stdout.includes('again')) await sleep(20)
      const lines = readFileSync(container.log.path, 'utf8').trim().split('\n')
      expect(lines.map((line) => (JSON.parse(line) as { readonly stream: string }).stream)).toEqual(
        lines.map(() => 'stdout'),
      )
      expect(lines.length).toBeLessThan(400 * 16 + 1) // what came while there was no room is lost
      // said again when a shorter entry had found room in between
      for (const error of errors) expect(error).toContain('output is lost')
      expect(container.isRunning).toBe(true)
      await suite.ok('rm', '-f', 'full')
    } finally {
      umount2(logs, MNT_DETACH) // also where a failure has left the container
    }
  })

  it('sends to CloudWatch what containers print, and to the cache that can be read', async () => {
    const service = await CloudWatch.start()
    setEnv({ AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret })
    expect((await suite.docker('create', '--log-driver', 'awslogs', image)).stderr).toContain(
      "must specify a value for log opt 'awslogs-group'",
    )
    await suite.ok(
      ...['run', '--name', 'cloud', ...quiet, '--log-driver', 'awslogs', '--log-opt', 'awslogs-group=g'],
      ...['--log-opt', `awslogs-endpoint=${service.endpoint}`, '--log-opt', 'awslogs-region=eu-west-1'],
      ...['--log-opt', 'awslogs-create-group=true', '--log-opt', 'tag={{.Name}}', image],
      ...['sh', '-c', 'echo one; echo two >&2'],
    )
    expect(await suite.docker('logs', 'cloud')).toMatchObject({ stdout: 'one\n', stderr: 'two\n' })
    while (service.events('g', 'cloud').length < 2) await sleep(20)
    expect(new Set(service.events('g', 'cloud').map(({ message }) => message))).toEqual(
      new Set(['one', 'two']),
    )
  })

  it.each(['blocking', 'non-blocking'])('keeps everything of a slow program in mode %s', async (mode) => {
    await suite.ok(
      ...['run', '--name', 'slow', ...quiet, '--log-opt', `mode=${mode}`],
      ...[image, 'sh', '-c', 'for n in 1 2 3; do echo $n; sleep 0.1; done; printf end'],
    )
    expect(await suite.ok('logs', 'slow')).toBe('1\n2\n3\nend')
    const { path } = suite.engine.containers.get('slow').log
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })
})
