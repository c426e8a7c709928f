import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLONE_NEWNET, setns } from '@ctr/linux'
import { temporaryFolder } from '@ctr/testing'
import {
  Cni,
  createNetworkNamespace,
  loopbackUp,
  parseCniNetwork,
  type CniNetwork,
  type CniOptions,
} from '../../src/index.js'

/** Where Debian has its plugins. */
export const debianPlugins = '/usr/lib/cni'

/** A caller of plugins with folders of its own, that go with the test. */
export function testCni(
  options: CniOptions = {},
): { cni: Cni; folder: string; plugins: string } & Disposable {
  const folder = temporaryFolder()
  const plugins = join(folder.path, 'bin')
  mkdirSync(plugins)
  const cni = new Cni({
    networks: join(folder.path, 'net.d'),
    cache: join(folder.path, 'cache'),
    plugins: [plugins, debianPlugins],
    ...options,
  })
  return { cni, folder: folder.path, plugins, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

/** A network of plugins. */
export function cniNetwork(cniVersion: string, name: string, plugins: readonly object[]): CniNetwork {
  return parseCniNetwork(JSON.stringify({ cniVersion, name, plugins }))
}

/** A plugin that is a shell script. */
export function script(folder: string, type: string, text: string): void {
  writeFileSync(join(folder, type), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
}

/** Path by which plugins find a namespace that this process has a descriptor of. */
export function netnsPath(fd: number): string {
  return `/proc/${process.pid}/fd/${fd}`
}

/**
 * Makes a network namespace the host of a test: this process and what it starts are in it until the end of the scope.
 * What plugins leave behind by design, such as tables of iptables, goes with it.
 */
export function ownHost(): Disposable {
  const before = openSync('/proc/thread-self/ns/net', 'r')
  using netns = createNetworkNamespace()
  loopbackUp(netns.fd)
  setns(netns.fd, CLONE_NEWNET)
  return {
    [Symbol.dispose]() {
      setns(before, CLONE_NEWNET)
      closeSync(before)
    },
  }
}
