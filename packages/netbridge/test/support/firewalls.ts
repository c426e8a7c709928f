import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { expect } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import type { EndpointInfo, Netbridge, NetworkNamespace } from '../../src/index.js'
import { ownHost } from './cni.js'
import { dig } from './names.js'
import { ask, askFromHost, serve } from './inside.js'
import { namespaces, run, testNetwork, world } from './network.js'

/**
 * A host of its own with a network, the containers `web`, whose port 80 is published, and `client` on it, and two
 * neighbours that reach each other only through the host: what a firewall keeps apart, and netbridge must not open.
 */
export interface WalledHost {
  readonly net: Netbridge
  readonly instance: string
  readonly state: string
  readonly web: EndpointInfo
  /** Number by which the host publishes it. */
  readonly port: number
  /** What travels now. */
  readonly traffic: () => Promise<Traffic>
}

/** What came of each way that a packet can take. */
export interface Traffic {
  readonly betweenContainers: boolean
  readonly outward: boolean
  readonly published: boolean
  readonly localhost: boolean
  readonly names: boolean
  /** A service of the host that nobody has published. */
  readonly hostService: boolean
  /** From one neighbour to the other. */
  readonly neighbours: boolean
}

/** What works when no firewall is there. */
export const everything: Traffic = {
  betweenContainers: true,
  outward: true,
  published: true,
  localhost: true,
  names: true,
  hostService: true,
  neighbours: true,
}

/** What works beside a closed firewall. */
export const ours: Traffic = { ...everything, hostService: false, neighbours: false }

/** How long a packet is waited for that may have been dropped; a way that is open but slow is tried again. */
const patienceMs = 300

/** Does something on such a host: the calling thread is in it meanwhile. */
export async function onWalledHost(body: (host: WalledHost) => Promise<void>): Promise<void> {
  using _host = ownHost()
  using near = world('10.77.0.1/24', '10.77.0.2/24')
  using far = world('10.78.0.1/24', '10.78.0.2/24')
  run(near.netns, 'ip', 'route', 'add', 'default', 'via', '10.77.0.1')
  run(far.netns, 'ip', 'route', 'add', 'default', 'via', '10.78.0.1')
  await using network = await testNetwork({ subnet: '10.79.0.0/24' })
  const { net, instance, state } = network
  using containers = namespaces(2)
  const [webSpace, clientSpace] = containers as unknown as [NetworkNamespace, NetworkNamespace]
  const publish = [{ container: 80 }]
  const web = net.attach({ id: 'web', netnsFd: webSpace.fd, publish, names: ['web'] })
  net.attach({ id: 'client', netnsFd: clientSpace.fd })
  await using _web = await serve(webSpace.fd, 80, 'web')
  await using _far = await serve(far.netns.fd, 80, 'far')
  const service = createServer((client) => client.end('host')).listen(8081)
  await once(service, 'listening')
  await using _names = await net.serveDns({ forward: false })
  const { host: port } = web.ports[0]!
  const traffic = async (): Promise<Traffic> => ({
    betweenContainers: (await ask(clientSpace.fd, web.address, 80, patienceMs)).startsWith('web sees'),
    outward: (await ask(clientSpace.fd, '10.78.0.2', 80, patienceMs)) === 'far sees 10.78.0.1',
    published: (await ask(near.netns.fd, '10.77.0.1', port, patienceMs)) === 'web sees 10.77.0.2',
    localhost: (await askFromHost('127.0.0.1', port)).startsWith('web sees'),
    names: (await dig(clientSpace, net.gateway, '+time=1', 'web')).answers.length === 1,
    hostService: (await ask(clientSpace.fd, net.gateway, 8081, patienceMs)) === 'host',
    neighbours: (await ask(near.netns.fd, '10.78.0.2', 80, patienceMs)) === 'far sees 10.77.0.2',
  })
  try {
    await body({ net, instance, state, web, port, traffic })
  } finally {
    service.close()
    await once(service, 'close')
  }
}

/** Waits until the traffic is as it shall be: what was flushed is put back after a moment. */
export async function becomes(traffic: () => Promise<Traffic>, wanted: Traffic): Promise<void> {
  let seen: Traffic | undefined
  await until(async () => isDeepStrictEqual((seen = await traffic()), wanted))
  expect(seen).toEqual(wanted)
}

/** Waits for something, a minute at most. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000
  while (!(await holds()) && Date.now() < end) await sleep(100)
}

/** A copy of the configuration of ufw, and ufw(8) with it in place of the host's. */
export function ufw(): { run: (...args: string[]) => string } & Disposable {
  const folder = temporaryFolder()
  cpSync('/etc/ufw', folder.path, { recursive: true })
  const inPlace = `mount --make-rprivate / && mount --bind ${folder.path} /etc/ufw && exec ufw "$@"`
  return {
    run: (...args) => run(undefined, 'unshare', '--mount', 'sh', '-c', inPlace, 'ufw', ...args),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

/** firewalld(1) with a bus and a configuration of its own, on the thread's network. */
export async function firewalld(): Promise<{ cmd: (...args: string[]) => string } & AsyncDisposable> {
  const folder = temporaryFolder()
  const bus = `unix:path=${folder.path}/bus`
  const started: ChildProcess[] = []
  const start = (program: string, ...args: string[]): void => {
    started.push(
      spawn(program, args, { stdio: 'ignore', env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: bus } }),
    )
  }
  const env = `DBUS_SYSTEM_BUS_ADDRESS=${bus}`
  const cmd = (...args: string[]): string => run(undefined, 'env', env, 'firewall-cmd', ...args)
  const stop = async (): Promise<void> => {
    for (const child of started.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill()
      await ended
    }
    folder[Symbol.dispose]()
  }
  try {
    start('dbus-daemon', '--session', '--nofork', `--address=${bus}`)
    const end = Date.now() + 120_000
    while (!existsSync(`${folder.path}/bus`) && Date.now() < end) await sleep(50)
    mkdirSync(`${folder.path}/etc`)
    start('firewalld', '--nofork', '--nopid', `--system-config=${folder.path}/etc`)
    const state = `${env} firewall-cmd --state 2>&1 || :`
    const isRunning = (): boolean => run(undefined, 'sh', '-c', state).trim() === 'running'
    while (!isRunning() && Date.now() < end) await sleep(200)
    return { cmd, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}
