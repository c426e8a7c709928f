import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { AF_UNIX, bind, closeFd, listen, SOCK_STREAM, socket, unixAddress } from '@ctr/linux'
import { bundle, describeOn, leakCheck, temporaryFolder, type BundledProgram } from '@ctr/testing'
import { Engine } from '../src/index.js'
import { dockerEnv, image, needs, setUp } from './support/suite.js'

leakCheck()

const file = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url))

describeOn(needs, 'an engine that is reached over TCP', () => {
  const tls = { cert: file('server.pem'), key: file('server.key'), clientCa: file('ca.pem') }
  const suite = setUp({ hosts: ['tcp://127.0.0.1:0'], tls })
  const address = (): string => suite.engine.hosts.find((host) => host.startsWith('tcp://'))!
  const client = [
    '--tlsverify',
    '--tlscacert',
    tls.clientCa,
    '--tlscert',
    file('client.pem'),
    '--tlskey',
    file('client.key'),
  ]

  it('serves clients with a certificate, streams included, and nobody else', async () => {
    const run = ['run', '--rm', '--network', 'none', image, 'echo', 'over TLS']
    const ok = async (...args: string[]): Promise<string> => await suite.ok('--host', address(), ...args)
    expect(await ok(...client, ...run)).toBe('over TLS')
    const withoutOne = await suite.docker('--host', address(), '--tls', '--tlscacert', tls.clientCa, 'ps')
    expect(withoutOne.code).not.toBe(0)
    expect(withoutOne.stderr).toMatch(/tls|certificate/i)
    expect((await suite.docker('--host', address(), 'ps')).stderr).toMatch(/HTTPS|malformed|error/i)
    // input both ways, over a connection that was taken over
    const fed = await suite.feed(
      'typed\n',
      '--host',
      address(),
      ...client,
      'run',
      '-i',
      '--rm',
      '--network',
      'none',
      image,
      'cat',
    )
    expect(fed.stdout).toBe('typed\n')
  })

  it('is a context of the docker CLI, by TCP and by its socket', async () => {
    const env = { ...dockerEnv(suite.socket), DOCKER_HOST: '' } // which would go before contexts
    const docker = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)('docker', args, { env })).stdout.trimEnd()
    const secure = [
      `host=${address()}`,
      `ca=${tls.clientCa}`,
      `cert=${file('client.pem')}`,
      `key=${file('client.key')}`,
    ]
    await docker('context', 'create', 'secure', '--docker', secure.join(','))
    await docker('context', 'create', 'local', '--docker', `host=unix://${suite.socket}`)
    const run = ['run', '--rm', '--network', 'none', image, 'echo']
    expect(await docker('--context', 'secure', ...run, 'over TLS')).toBe('over TLS')
    for (const [name, host] of [
      ['local', `unix://${suite.socket}`],
      ['secure', address()],
    ] as const) {
      await docker('context', 'use', name)
      expect(await docker('context', 'ls', '--format', '{{.Name}} {{.Current}}')).toContain(`${name} true`)
      expect(await docker('context', 'inspect', '-f', '{{.Endpoints.docker.Host}}')).toBe(host)
      expect(await docker(...run, 'by', name)).toBe(`by ${name}`)
    }
    await docker('context', 'use', 'default')
    await docker('context', 'rm', 'local', 'secure')
  })

  it('does not begin to listen where anybody could connect', async () => {
    using folder = temporaryFolder()
    const folders = { root: `${folder.path}/root`, state: `${folder.path}/state` }
    const hosts = ['tcp://127.0.0.1:0']
    await expect(Engine.start({ ...folders, hosts })).rejects.toThrow('without client certificates')
    await expect(Engine.start({ ...folders, hosts, tls: { ...tls, clientCa: undefined } })).rejects.toThrow(
      'without client certificates',
    )
    await using open = await Engine.start({ ...folders, hosts, allowTcpWithoutClientCertificates: true })
    expect((await suite.docker('--host', open.hosts[0]!, 'version')).code).toBe(0)
  })
})

describeOn(needs, 'an engine with sockets of systemd', () => {
  let program: BundledProgram
  const suite = setUp()
  beforeAll(() => {
    program = bundle(`
import { Engine } from '@ctr/engine'
const [root, state] = process.argv.slice(2)
process.env.LISTEN_PID = String(process.pid) // as systemd sets it for who it starts
const engine = await Engine.start({ root, state, hosts: ['fd://'] })
console.log(engine.hosts.join())
process.on('SIGTERM', () => void engine.close())
`)
  })
  afterAll(() => program[Symbol.dispose]())

  it('serves on them, and leaves them to systemd', async () => {
    const path = `${suite.folder}/activated.sock`
    // by system calls: a server of Node would take clients itself
    const fd = socket(AF_UNIX, SOCK_STREAM, 0)
    bind(fd, unixAddress(path))
    listen(fd, 16)
    const daemon = spawn(
      process.execPath,
      [program.path, `${suite.folder}/other`, `${suite.folder}/other-state`],
      {
        stdio: ['ignore', 'pipe', 'inherit', fd],
        env: { ...process.env, NODE_OPTIONS: '', LISTEN_FDS: '1' },
      },
    )
    const ended = once(daemon, 'exit')
    try {
      const said = await Promise.race([once(daemon.stdout!, 'data'), ended])
      expect(String(said[0])).toBe('fd://3\n')
      expect(await suite.ok('--host', `unix://${path}`, 'info', '-f', '{{.Containers}}')).toBe('0')
    } finally {
      daemon.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
      closeFd(fd)
    }
  })
})
