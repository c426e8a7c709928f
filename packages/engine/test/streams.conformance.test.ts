import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it } from '@jest/globals'
import Docker from 'dockerode'
import { describeOn, leakCheck, onTerminal } from '@ctr/testing'
import { dockerEnv, image, needs, setUp } from './support/suite.js'

leakCheck()

/** What is used of docker-modem, which has no types. */
interface Modem {
  demuxStream(from: NodeJS.ReadableStream, stdout: PassThrough, stderr: PassThrough): void
}

describeOn([...needs, 'bin:python3'], 'exec, terminals and hijacked streams', () => {
  const suite = setUp()
  const dockerode = (): Docker => new Docker({ socketPath: suite.socket })

  afterEach(async () => {
    for (const container of suite.engine.containers.all())
      await container.remove({ force: true, volumes: true })
  })

  const sleeping = async (name: string, network = 'none'): Promise<string> =>
    await suite.ok('run', '-d', '--name', name, '--network', network, image, 'sleep', '1000')

  it('executes programs in a container', async () => {
    await sleeping('ex')
    expect(await suite.docker('exec', 'ex', 'sh', '-c', 'echo out; echo err >&2; exit 4')).toEqual({
      code: 4,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    expect(
      await suite.ok(
        'exec',
        '-e',
        'A=b',
        '-w',
        '/tmp',
        '-u',
        'app',
        'ex',
        'sh',
        '-c',
        'echo $A $PWD; id -un',
      ),
    ).toBe('b /tmp\napp')
    expect((await suite.feed('typed\n', 'exec', '-i', 'ex', 'cat')).stdout).toBe('typed\n')
    const missing = await suite.docker('exec', 'ex', 'no-such-program')
    expect(missing.code).toBe(127)
    expect(await suite.ok('exec', '-d', 'ex', 'sh', '-c', 'echo x > /made')).toBe('')
    expect(await suite.ok('exec', 'ex', 'sh', '-c', 'while ! [ -s /made ]; do :; done; cat /made')).toBe('x')
    await suite.ok('stop', '-t', '0', 'ex')
    expect((await suite.docker('exec', 'ex', 'true')).stderr).toContain('is not running')
  })

  it('has terminals of the size of the one that it is called from', async () => {
    const env = dockerEnv(suite.socket)
    const script = 'echo ready; read x; stty size; echo "got $x"; exit 3'
    const ran = await onTerminal(
      'hi\\r',
      ['docker', 'run', '--rm', '-it', '--network', 'none', image, 'sh', '-c', script],
      env,
    )
    expect(ran).toContain('30 100')
    expect(ran).toContain('got hi')
    await sleeping('tty')
    expect(await onTerminal('hi\\r', ['docker', 'exec', '-it', 'tty', 'sh', '-c', script], env)).toContain(
      'got hi',
    )
  })

  it('serves dockerode: hijacked and plain attach, exec, stats, logs', async () => {
    const container = await dockerode().createContainer({
      Image: image,
      Cmd: ['sh', '-c', 'read x; echo "got $x"; echo err >&2'],
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { NetworkMode: 'none' },
    })
    const hijacked = await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    })
    const plain = await container.attach({ stream: true, stdout: true, stderr: true })
    const [out, err] = [new PassThrough(), new PassThrough()]
    ;(container.modem as Modem).demuxStream(hijacked, out, err)
    hijacked.on('end', () => [out, err].forEach((stream) => stream.end()))
    await container.start()
    hijacked.write('input\n')
    expect(await Promise.all([text(out), text(err)])).toEqual(['got input\n', 'err\n'])
    expect(await text(plain)).toContain('got input\n')
    expect(await container.wait()).toEqual({ StatusCode: 0 })
    expect((await container.logs({ stdout: true, stderr: false })).toString()).toBe(
      '\x01\0\0\0\0\0\0\x0agot input\n',
    )
    await container.remove()

    await sleeping('node', 'bridge')
    const running = dockerode().getContainer('node')
    const session = await running.exec({
      Cmd: ['cat'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    })
    const stream = await session.start({ hijack: true, stdin: true })
    stream.write('through\n')
    stream.end()
    expect(await text(stream)).toBe('\x01\0\0\0\0\0\0\x08through\n')
    expect(await session.inspect()).toMatchObject({ Running: false, ExitCode: 0 })
    const quiet = await running.exec({ Cmd: ['echo', 'plain'], AttachStdout: true, Tty: true })
    expect(await text(await quiet.start({ Tty: true }))).toBe('plain\r\n')
    const unset = await running.exec({
      Cmd: ['sh', '-c', 'echo ${A-no}$B'],
      AttachStdout: true,
      Env: ['A', 'B=b'],
    })
    expect(await text(await unset.start({}))).toContain('nob\n')
    const stats = await running.stats({ stream: false })
    expect(stats.cpu_stats.system_cpu_usage).toBeGreaterThan(stats.precpu_stats.system_cpu_usage)
    expect(stats.memory_stats.usage).toBeGreaterThan(0)
    expect(stats.networks['eth0']).toMatchObject({ rx_errors: 0, tx_dropped: 0 })
    expect(await suite.ok('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'node')).toBe('node 1')
  })

  it('waits by condition, also before the start', async () => {
    const container = await dockerode().createContainer({
      Image: image,
      Cmd: ['sh', '-c', 'exit 9'],
      HostConfig: { NetworkMode: 'none', AutoRemove: true },
    })
    const removed = container.wait({ condition: 'removed' })
    const exited = container.wait({ condition: 'next-exit' })
    await container.start()
    expect(await Promise.all([exited, removed])).toEqual([{ StatusCode: 9 }, { StatusCode: 9 }])
    await expect(container.inspect()).rejects.toMatchObject({ statusCode: 404 })
  })
})
