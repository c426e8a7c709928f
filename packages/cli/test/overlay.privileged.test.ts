import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { createNetworkNamespace, type NetworkNamespace } from '@ctr/netbridge'
import { describeOn, leakCheck } from '@ctr/testing'
import { ended, type Ended } from './ctrjs.js'
import { needs, setUp } from './suite.js'

jest.setTimeout(240_000)
leakCheck()

const wire = `swc${process.pid % 10_000}`

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })

/** A host of its own: a network namespace on the wire, and folders. */
class Host {
  readonly address: string
  readonly socket: string
  readonly #netns: NetworkNamespace = createNetworkNamespace()
  readonly #line: (...args: string[]) => readonly [string, ...string[]]
  readonly #env: NodeJS.ProcessEnv
  #daemon: { readonly child: ChildProcessWithoutNullStreams; readonly failed: Promise<string> } | undefined

  constructor(
    number: number,
    folder: string,
    ctrjs: { line(...args: string[]): readonly [string, ...string[]]; readonly env: NodeJS.ProcessEnv },
  ) {
    this.address = `10.78.0.${number}`
    this.socket = `unix://${join(folder, `${number}.sock`)}`
    this.#env = ctrjs.env
    const own = ['--root', join(folder, `root${number}`), '--state', join(folder, `state${number}`)]
    this.#line = (...args) => ctrjs.line(...own, ...args)
    const cable = `${wire}p${number}`
    ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#path)
    ip('link', 'set', cable, 'master', wire, 'up')
    for (const command of [
      ['address', 'add', `${this.address}/24`, 'dev', 'eth0'],
      ['link', 'set', 'lo', 'up'],
      ['link', 'set', 'eth0', 'up'],
      ['route', 'add', 'default', 'via', '10.78.0.254'],
    ])
      execFileSync('nsenter', [`--net=${this.#path}`, 'ip', ...command])
  }

  get #path(): string {
    return `/proc/${process.pid}/fd/${this.#netns.fd}`
  }

  async startDaemon(): Promise<void> {
    const child = this.#start('daemon', '--host', this.socket)
    this.#daemon = { child, failed: text(child.stderr) }
    await once(child.stdout, 'data')
  }

  async endDaemon(signal: NodeJS.Signals): Promise<string> {
    const { child, failed } = this.#daemon!
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
    return await failed
  }

  /** A command that goes to its daemon. */
  async run(...args: string[]): Promise<Ended> {
    return await ended(this.#start('-H', this.socket, ...args))
  }

  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args)
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }

  /** A command without a daemon, on the same folders. */
  async local(...args: string[]): Promise<Ended> {
    return await ended(this.#start(...args))
  }

  close(): void {
    this.#netns.close()
  }

  #start(...args: string[]): ChildProcessWithoutNullStreams {
    const child = spawn('nsenter', [`--net=${this.#path}`, ...this.#line(...args)], { env: this.#env })
    child.stdin.on('error', () => undefined)
    child.stdin.end()
    return child
  }
}

/** A host of the network, as `network hosts --json` has it. */
interface Listed {
  readonly host: string
  readonly isOwn: boolean
  readonly address: string | null
  readonly containers: number
  readonly blocks: readonly string[]
}

describeOn([...needs, 'bin:ip', 'bin:nsenter'], 'an overlay network of two daemons', () => {
  const suite = setUp()
  let a: Host
  let b: Host
  const network = (host: Host, name: string, ...more: string[]): Promise<string> => {
    const store = `store=file://${join(suite.folder, 'store')}`
    const options = ['-o', store, '-o', `local=${host.address}`, '-o', 'ttl=2', ...more]
    return host.ok('network', 'create', '-d', 'overlay', ...options, name)
  }
  /** What a name serves. A busybox without shared libraries looks names up, and asks by addresses. */
  const page = (host: Host, from: string, name: string): Promise<Ended> => {
    const address = `$(busybox nslookup ${name} 127.0.0.11 | busybox awk '/^Address: /{print $2}')`
    const ask = `printf 'GET /motd HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 "${address}" 80`
    return host.run('exec', from, 'sh', '-c', ask)
  }
  /** Asks until the host has heard of what it asks for. */
  const reaches = async (host: Host, from: string, name: string): Promise<void> => {
    while (!(await page(host, from, name)).stdout.endsWith('\r\n\r\nhello\n'));
  }
  const serve = (host: Host, name: string): Promise<string> =>
    host.ok(
      ...['run', '-d', '--name', name, '--network', 'app', suite.image],
      ...['httpd', '-f', '-p', '80', '-h', '/etc'],
    )

  // inside, so that all of it is gone before the program is
  describe('with folders of their own', () => {
    beforeAll(async () => {
      ip('link', 'add', wire, 'type', 'bridge')
      ip('address', 'add', '10.78.0.254/24', 'dev', wire)
      ip('link', 'set', wire, 'up')
      const archive = join(suite.folder, 'image.tar')
      expect(await suite.ctrjs.run('save', '-o', archive, suite.image)).toMatchObject({ code: 0 })
      a = new Host(1, suite.folder, suite.ctrjs)
      b = new Host(2, suite.folder, suite.ctrjs)
      for (const host of [a, b]) {
        await host.startDaemon()
        await host.ok('load', '-q', '-i', archive)
      }
    })
    afterAll(async () => {
      for (const host of [a, b]) {
        await host.run('rm', '-fv', ...(await host.ok('ps', '-aq')).split('\n').filter(Boolean))
        expect(await host.run('network', 'rm', '-f', 'app')).toMatchObject({ code: 0, stderr: '' })
        expect(await host.endDaemon('SIGTERM')).toBe('')
        expect(await host.local('system', 'reset', '-f')).toMatchObject({ code: 0, stderr: '' })
        host.close()
      }
      ip('link', 'delete', wire)
    })

    it('lets containers of both reach one another by their names', async () => {
      await network(a, 'app')
      await network(b, 'app')
      const id = (host: Host): Promise<string> =>
        host.ok('network', 'inspect', '-f', '{{.Id}} {{.Scope}}', 'app')
      expect(await id(a)).toBe(await id(b))
      await serve(a, 'web-a')
      await serve(b, 'web-b')
      await reaches(a, 'web-a', 'web-b')
      await reaches(b, 'web-b', 'web-a')
    })

    it('goes on over a restart of a daemon, with the containers that it finds', async () => {
      expect(await a.endDaemon('SIGTERM')).toBe('')
      await a.startDaemon()
      await reaches(b, 'web-b', 'web-a')
      await reaches(a, 'web-a', 'web-b')
      await a.endDaemon('SIGKILL')
      await a.startDaemon()
      await reaches(b, 'web-b', 'web-a')
      await reaches(a, 'web-a', 'web-b')
    })

    it('connects and disconnects containers that run', async () => {
      await a.ok('run', '-d', '--name', 'late', '--network', 'none', suite.image, 'sleep', '1000')
      await a.ok('network', 'disconnect', 'app', 'web-a')
      while ((await page(b, 'web-b', 'web-a')).code === 0);
      await a.ok('network', 'connect', '--alias', 'again', 'app', 'web-a')
      await reaches(b, 'web-b', 'again')
    })

    it('gives the addresses of a host that is gone to others', async () => {
      const hosts = async (): Promise<readonly Listed[]> =>
        JSON.parse((await a.local('network', 'hosts', '--json', 'app')).stdout) as readonly Listed[]
      const [own, other] = [
        (await hosts()).find(({ isOwn }) => isOwn)!,
        (await hosts()).find(({ isOwn }) => !isOwn)!,
      ]
      expect(own).toMatchObject({ address: a.address, containers: 1 })
      expect(other).toMatchObject({ address: b.address, containers: 1 })
      expect((await a.local('network', 'release-host', 'app', other.host)).stderr).toContain('it is there')
      await b.endDaemon('SIGKILL')
      while ((await hosts()).some(({ host, address }) => host === other.host && address !== null));
      expect(await a.local('network', 'release-host', 'app', other.host)).toEqual({
        ...{ code: 0, stderr: '', stdout: other.blocks.map((block) => `${block}\n`).join('') },
      })
      expect((await hosts()).map(({ host }) => host)).toEqual([own.host])
      // it was not gone: it takes back what nobody has taken meanwhile
      await b.startDaemon()
      while (!(await hosts()).some(({ host, blocks }) => host === other.host && blocks.length > 0));
      expect((await hosts()).find(({ host }) => host === other.host)?.blocks).toEqual(
        expect.arrayContaining([...other.blocks]),
      )
      await reaches(b, 'web-b', 'again')
    })

    it('leaves a block to the host that has taken it while another one was thought gone', async () => {
      const listed = async (): Promise<readonly Listed[]> =>
        JSON.parse((await a.local('network', 'hosts', '--json', 'app')).stdout) as readonly Listed[]
      const address = (
        await b.ok('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'web-b')
      ).trim()
      const { host: other, blocks } = (await listed()).find(({ isOwn }) => !isOwn)!
      const block = blocks.find((one) => address.startsWith(one.replace(/\.\d+\/\d+$/, '.')))!
      await b.endDaemon('SIGKILL')
      while ((await listed()).some((one) => one.host === other && one.address !== null));
      expect(await a.local('network', 'release-host', 'app', other)).toMatchObject({ code: 0, stderr: '' })
      const place = ['--network', 'app', '--ip', address]
      await a.ok('run', '-d', '--name', 'taker', ...place, suite.image, 'sleep', '1000')
      await b.startDaemon()
      while (!(await listed()).some((one) => one.host === other && one.address !== null));
      expect((await listed()).filter((one) => one.blocks.includes(block)).map(({ isOwn }) => isOwn)).toEqual([
        true,
      ])
      // what is started anew has an address of a block of its own host
      await b.ok('rm', '-f', 'web-b')
      await serve(b, 'web-b')
      await reaches(a, 'web-a', 'web-b')
      expect((await listed()).find((one) => one.host === other)?.blocks).not.toContain(block)
    })

    it('leaves a network whose store is away by force alone', async () => {
      await b.ok('rm', '-f', 'web-b')
      const store = join(suite.folder, 'store')
      renameSync(store, `${store}.away`)
      writeFileSync(store, '')
      try {
        expect(await b.run('network', 'rm', 'app')).toMatchObject({
          ...{ code: 1, stderr: expect.stringMatching(/^ctrjs: cannot .*store/) },
        })
        expect(await b.ok('network', 'ls', '-q', '-f', 'name=app')).toMatch(/^[0-9a-f]{12}\n$/)
        expect(await b.ok('network', 'rm', '--force', 'app')).toBe('app\n')
        expect(await b.ok('network', 'ls', '-q', '-f', 'name=app')).toBe('')
      } finally {
        rmSync(store)
        renameSync(`${store}.away`, store)
      }
    })
  })
})
