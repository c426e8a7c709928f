import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { EngineHost } from './support/engine-host.js'

leakCheck()

const image = 'localhost/busybox:1'
const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']
const dockerfile = `FROM ${image}
ENV GREETING=hello
COPY file /file
RUN cat /file && id -u && echo $GREETING >/greeting
USER 1000
WORKDIR /made
RUN id -u && pwd && ! touch /not-mine
CMD cat /greeting
`

describeOn(
  ['root', 'bin:buildah', 'bin:podman', 'bin:busybox', 'bin:python3'],
  'builds with ctr-runtime',
  () => {
    let host: EngineHost
    let context: string
    let stores: readonly string[]

    beforeAll(async () => {
      host = await EngineHost.open(['libpod_parent', 'net_cls', 'net_prio', 'perf_event'], {
        PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
        BUILDAH_ISOLATION: 'oci',
      })
      context = join(host.folder, 'context')
      mkdirSync(context)
      writeFileSync(join(context, 'Dockerfile'), dockerfile)
      writeFileSync(join(context, 'file'), 'copied\n')
      stores = [
        '--storage-driver',
        'vfs',
        '--root',
        join(host.folder, 'root'),
        '--runroot',
        join(host.folder, 'run'),
      ]
      expect(host.run(['podman', ...stores, 'load', '-i', host.imageArchive(image)])).toMatchObject({
        code: 0,
      })
    }, 180_000)

    afterAll(async () => {
      await host.close()
    }, 180_000)

    const buildah = (...args: readonly string[]) => host.run(['buildah', ...stores, ...args])
    const output = (...args: readonly string[]): string => {
      const { code, stdout, stderr } = buildah(...args)
      if (code !== 0) throw new Error(stderr)
      return stdout.trim()
    }
    const from = (): string => output('from', ...limits, image)
    const run = (container: string, ...args: readonly string[]) =>
      buildah(
        'run',
        '--runtime',
        host.runtime.path,
        '--network',
        'none',
        ...args.slice(0, -1),
        container,
        'sh',
        '-c',
        args.at(-1)!,
      )

    it('buildah build runs the steps of a Dockerfile', () => {
      const steps = output(
        'build',
        '--runtime',
        host.runtime.path,
        '--network',
        'none',
        ...limits,
        '-t',
        'built',
        context,
      )
      expect(steps).toMatch(/copied\n0\n/)
      expect(steps).toMatch(/1000\n\/made\n/)
      const container = output('from', 'built')
      expect(output('run', '--runtime', host.runtime.path, container, 'cat', '/greeting')).toBe('hello')
      output('rm', container)
    })

    it('podman build runs them too', () => {
      const podman = [
        'podman',
        ...stores,
        '--runtime',
        host.runtime.path,
        '--tmpdir',
        join(host.folder, 'tmp'),
      ]
      const { code, stdout, stderr } = host.run([
        ...podman,
        'build',
        '--network',
        'none',
        ...limits,
        '--no-cache',
        context,
      ])
      if (code !== 0) throw new Error(stderr)
      expect(stdout).toMatch(/copied\n0\n/)
    })

    it('a step that fails fails the build with its exit code', () => {
      const file = join(context, 'failing')
      writeFileSync(file, `FROM ${image}\nRUN exit 4\n`)
      const failed = buildah(
        'build',
        '--runtime',
        host.runtime.path,
        '--network',
        'none',
        ...limits,
        '-f',
        file,
        context,
      )
      expect(failed).toMatchObject({ code: 4, stderr: expect.stringContaining('exit status 4') })
    })

    it('buildah run hands on output, input and exit code', () => {
      const container = from()
      expect(run(container, 'echo out; exit 3')).toMatchObject({ code: 3, stdout: 'out\n' })
      const cat = host.run(['buildah', ...stores, 'run', '--runtime', host.runtime.path, container, 'cat'], {
        input: 'typed',
      })
      expect(cat).toMatchObject({ code: 0, stdout: 'typed' })
      expect(
        run(container, '--user', '1000', '-v', '/usr:/host:ro', 'id -u; touch /host/x 2>&1').stdout,
      ).toBe('1000\ntouch: /host/x: Read-only file system\n')
      expect(run(container, '--cap-drop', 'all', 'grep CapEff /proc/self/status').stdout).toContain(
        '0000000000000000',
      )
      const missing = buildah('run', '--runtime', host.runtime.path, container, 'nosuch')
      expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('executable file not found') })
      output('rm', container)
    })

    it('buildah run joins a terminal', async () => {
      const container = from()
      const script = 'tty; echo ready; read x; echo got $x; exit 6'
      const command = [
        'buildah',
        ...stores,
        'run',
        '--runtime',
        host.runtime.path,
        '-t',
        container,
        'sh',
        '-c',
        script,
      ]
      expect(await host.onTerminal('abc\\n', command)).toContain('/dev/pts/0\r\nready\r\nabc\r\ngot abc\r\n')
      output('rm', container)
    })
  },
)
