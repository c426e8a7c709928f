import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import {
  createNetworkNamespace,
  Netbridge,
  Networks,
  type NetbridgeOptions,
  type NetworkNamespace,
} from '../../src/index.js'

/** A name of its own for everything that is global, so that tests of others may run at the same time. */
export function uniqueInstance(): string {
  return `ct${process.pid}${Math.random().toString(36).slice(2, 6)}`
}

/** A network that goes with the test. */
export async function testNetwork(
  options: NetbridgeOptions = {},
): Promise<{ net: Netbridge; state: string; instance: string } & AsyncDisposable> {
  const instance = options.instance ?? uniqueInstance()
  const folder = temporaryFolder()
  const state = options.state ?? `${folder.path}/net`
  const net = await Netbridge.open({ ...options, state, instance }).catch((error: unknown) => {
    expect(existsSync(state)).toBe(options.state !== undefined) // a network that was not made leaves no file
    folder[Symbol.dispose]()
    throw error
  })
  return {
    net,
    state,
    instance,
    async [Symbol.asyncDispose]() {
      await net.remove()
      folder[Symbol.dispose]()
    },
  }
}

/** What a program prints, run inside a network namespace when one is given. */
export function run(netns: NetworkNamespace | undefined, ...command: readonly string[]): string {
  const enter = netns === undefined ? [] : ['nsenter', `--net=/proc/${process.pid}/fd/${netns.fd}`, '--']
  const [program, ...args] = [...enter, ...command]
  return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Namespaces that go with the test. */
export function namespaces(count: number): NetworkNamespace[] & Disposable {
  const all = Array.from({ length: count }, () => createNetworkNamespace())
  return Object.assign(all, {
    [Symbol.dispose]() {
      for (const netns of all) netns.close()
    },
  })
}

/** A store of networks that goes with the test, with all that are in it. */
export function testNetworks(): {
  networks: Networks
  again: () => Networks
  folder: string
  instance: string
} & AsyncDisposable {
  const instance = uniqueInstance()
  const folder = temporaryFolder()
  const again = (): Networks =>
    Networks.open({ root: `${folder.path}/lib`, state: `${folder.path}/run`, instance })
  const networks = again()
  return {
    networks,
    again,
    folder: folder.path,
    instance,
    async [Symbol.asyncDispose]() {
      await networks.cleanup([])
      for (const { name } of networks.list()) await networks.remove(name)
      await networks.close()
      folder[Symbol.dispose]()
    },
  }
}

/** The world outside: a network namespace whose `up0` is the other end of a link of the host, and that link. */
export function world(
  hostAddress: string,
  address: string,
): { link: string; netns: NetworkNamespace } & Disposable {
  const netns = createNetworkNamespace()
  const link = uniqueInstance().slice(0, 11)
  const end = `/proc/${process.pid}/fd/${netns.fd}`
  run(undefined, 'ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'up0', 'netns', end)
  run(undefined, 'ip', 'address', 'add', hostAddress, 'dev', link)
  run(undefined, 'ip', 'link', 'set', link, 'up')
  run(netns, 'ip', 'address', 'add', address, 'dev', 'up0')
  run(netns, 'ip', 'link', 'set', 'up0', 'up')
  run(netns, 'ip', 'link', 'set', 'lo', 'up')
  return {
    link,
    netns,
    [Symbol.dispose]() {
      run(undefined, 'ip', 'link', 'delete', link)
      netns.close()
    },
  }
}
