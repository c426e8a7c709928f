import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import {
  createNetworkNamespace,
  Netbridge,
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
