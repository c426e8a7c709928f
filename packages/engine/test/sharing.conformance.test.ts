import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'containers that share', () => {
  afterAll(async () => {
    await suite.ok('rm', '-f', 'donor', 'idle')
  })
  const suite = setUp()
  const start = (name: string, ...flags: string[]): Promise<string> =>
    suite.ok('run', '-d', '--init', '--name', name, ...flags, image, 'sleep', '1000')

  beforeAll(async () => {
    await start('donor', '--ipc', 'shareable')
    await suite.ok('create', '--name', 'idle', '--ipc', 'shareable', image, 'true')
  })

  it('gives the IPC of another container with its shared memory', async () => {
    await suite.ok('exec', 'donor', 'sh', '-c', 'echo told >/dev/shm/note')
    const seen = 'cat /dev/shm/note; readlink /proc/self/ns/ipc'
    const told = await suite.ok('run', '--rm', '--ipc', 'container:donor', image, 'sh', '-c', seen)
    expect(told).toBe(`told\n${await suite.ok('exec', 'donor', 'readlink', '/proc/self/ns/ipc')}`)
    await start('private')
    const refused = await suite.docker('run', '--rm', '--ipc', 'container:private', image, 'true')
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('non-shareable IPC') })
    await suite.ok('rm', '-f', 'private')
  })

  it.each(['network', 'ipc', 'pid'])(
    'makes a container with the %s of one that starts later',
    async (what) => {
      const name = `with-${what}`
      await suite.ok('create', '--name', name, `--${what}`, 'container:idle', image, 'true')
      const words = new RegExp(`cannot join ${what} of a non running container: [0-9a-f]{64}`, 'i')
      expect((await suite.docker('start', name)).stderr).toMatch(words)
      await suite.ok('rm', name)
      const missing = await suite.docker('create', `--${what}`, 'container:missing', image, 'true')
      expect(missing.stderr).toContain('No such container')
    },
  )
})

describeOn(needs, 'what a container is called, and where it is found', () => {
  afterAll(async () => {
    await suite.ok('network', 'rm', net)
  })
  const suite = setUp()
  const net = 'net with blanks'
  const option = 'driver-opt=com.docker.network.endpoint.ifname'

  beforeAll(async () => {
    await suite.ok('network', 'create', net)
  })

  it('names interfaces as asked for, at the start and when it is connected', async () => {
    const flags = ['--network', `name=${net},${option}=front0`]
    await suite.ok('run', '-d', '--init', '--name', 'named', ...flags, image, 'sleep', '1000')
    const links = (): Promise<string> => suite.ok('exec', 'named', 'ls', '/sys/class/net')
    expect(await links()).toBe('front0\nlo')
    await suite.ok(
      'network',
      'connect',
      '--driver-opt',
      'com.docker.network.endpoint.ifname=back0',
      'bridge',
      'named',
    )
    expect(await links()).toBe('back0\nfront0\nlo')
    await suite.ok('restart', '-t', '1', 'named')
    expect(await links()).toBe('back0\nfront0\nlo')
    await suite.ok('rm', '-f', 'named')
    const bad = await suite.docker('run', '--rm', '--network', `name=${net},${option}=a/b`, image, 'true')
    expect(bad).toMatchObject({ code: 125, stderr: expect.stringContaining('endpoint.ifname') })
  })

  it('finds by a link who comes later', async () => {
    const flags = ['--init', '--network', net]
    await suite.ok('run', '-d', '--name', 'asks', '--link', 'later:db', ...flags, image, 'sleep', '1000')
    await suite.ok('run', '-d', '--name', 'joins', '--init', image, 'sleep', '1000')
    await suite.ok('network', 'connect', '--link', 'later:store', net, 'joins')
    const found = (who: string, name: string) => suite.docker('exec', who, 'ping', '-c', '1', '-W', '1', name)
    expect(await found('asks', 'db')).toMatchObject({ code: 1 })
    await suite.ok('run', '-d', '--name', 'later', ...flags, image, 'sleep', '1000')
    expect(await found('asks', 'db')).toMatchObject({ code: 0 })
    expect(await found('joins', 'store')).toMatchObject({ code: 0 })
    expect(await found('joins', 'db')).toMatchObject({ code: 1 })
    const links = `{{range .NetworkSettings.Networks}}{{range .Links}}{{.}}{{end}}{{end}}`
    expect(await suite.ok('inspect', '-f', links, 'asks', 'joins')).toBe('later:db\nlater:store')
    await suite.ok('rm', '-f', 'asks', 'joins', 'later')
  })

  it('publishes the first free port of a range', async () => {
    const run = (name: string, ports: string) =>
      suite.docker('run', '-d', '--init', '--name', name, '-p', ports, image, 'sleep', '1000')
    const range = '127.0.0.1:28010-28011:80'
    expect(await run('first', range)).toMatchObject({ code: 0 })
    expect(await run('second', range)).toMatchObject({ code: 0 })
    expect(await suite.ok('port', 'first', '80')).toBe('127.0.0.1:28010')
    expect(await suite.ok('port', 'second', '80')).toBe('127.0.0.1:28011')
    expect(await run('third', range)).toMatchObject({ code: 125 })
    await suite.ok('rm', '-f', 'first', 'second', 'third')
  })
})
