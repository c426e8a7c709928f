import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { bundleFile, temporaryFolder } from '@ctr/testing'
import { createNetworkNamespace } from '../../src/network-namespace.js'
import type { NetworkNamespace } from '../../src/network-namespace.js'
import { run } from './network.js'

/** A host that does what it is told. */
export interface TestHost {
  readonly address: string
  readonly netns: NetworkNamespace
  /** Does one of the commands of `overlay-host.ts`; an error of it is an object with `code`. */
  tell<Value = unknown>(name: string, more?: object): Promise<Value>
  /** Takes its cable out, or puts it in. */
  cable(plugged: boolean): void
  /** Ends its process without a word, and starts another one. */
  restart(): Promise<void>
}

/** The address of the switch, where this process can serve something to all hosts. */
export const SWITCH = '10.77.0.254'

/** Hosts on one wire: network namespaces with a process each, joined by a bridge of this one. */
export function testHosts(names: readonly string[]): { readonly hosts: TestHost[] } & AsyncDisposable {
  const folder = temporaryFolder()
  const bundle = bundleFile(fileURLToPath(new URL('overlay-host.ts', import.meta.url)))
  const wire = `sw${process.pid % 10_000}`
  run(undefined, 'ip', 'link', 'add', wire, 'type', 'bridge')
  run(undefined, 'ip', 'address', 'add', `${SWITCH}/24`, 'dev', wire)
  run(undefined, 'ip', 'link', 'set', wire, 'up')
  const made = names.map((name, index) => startHost(bundle.path, `${folder.path}/${name}`, wire, index + 1))
  return {
    hosts: made.map(({ host }) => host),
    async [Symbol.asyncDispose]() {
      for (const { end } of made) await end()
      run(undefined, 'ip', 'link', 'delete', wire)
      bundle[Symbol.dispose]()
      folder[Symbol.dispose]()
    },
  }
}

function startHost(
  program: string,
  folder: string,
  wire: string,
  number: number,
): { readonly host: TestHost; readonly end: () => Promise<void> } {
  const netns = createNetworkNamespace()
  const path = `/proc/${process.pid}/fd/${netns.fd}`
  const cable = `${wire}p${number}`
  const address = `10.77.0.${number}`
  run(undefined, 'ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', path)
  run(undefined, 'ip', 'link', 'set', cable, 'master', wire, 'up')
  run(netns, 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0')
  run(netns, 'ip', 'link', 'set', 'lo', 'up')
  run(netns, 'ip', 'link', 'set', 'eth0', 'up')
  run(netns, 'ip', 'route', 'add', 'default', 'via', SWITCH)
  let process_ = startProcess(path, program, folder)
  const host: TestHost = {
    address,
    netns,
    tell: (name, more = {}) => process_.tell(name, more),
    cable: (plugged) => run(undefined, 'ip', 'link', 'set', cable, plugged ? 'up' : 'down'),
    restart: async () => {
      await process_.end('SIGKILL')
      process_ = startProcess(path, program, folder)
    },
  }
  const end = async (): Promise<void> => {
    await process_.end('SIGTERM')
    run(undefined, 'ip', 'link', 'delete', cable)
    netns.close()
  }
  return { host, end }
}

function startProcess(
  netns: string,
  program: string,
  folder: string,
): { readonly tell: TestHost['tell']; readonly end: (signal: NodeJS.Signals) => Promise<void> } {
  const args = [`--net=${netns}`, '--', process.execPath, program, folder, 'ovl']
  const child = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let before: Promise<unknown> = Promise.resolve()
  return {
    tell: async <Value>(name: string, more = {}) => {
      const answer = before.then(async () => {
        child.stdin.write(`${JSON.stringify({ name, ...more })}\n`)
        const { value, done } = (await lines.next()) as IteratorResult<string, undefined>
        if (done === true) throw new Error('the host has ended')
        const { value: result, error } = JSON.parse(value) as { value?: Value; error?: object }
        if (error !== undefined) throw Object.assign(new Error(), error)
        return result as Value
      })
      before = answer.catch(() => undefined)
      return answer
    },
    end: async (signal) => {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill(signal)
      await exited
    },
  }
}

/** Waits for something to become as it shall. */
export async function until<Value>(
  what: () => Promise<Value> | Value,
  isSo: (value: Value) => boolean,
): Promise<Value> {
  while (true) {
    const value = await what()
    if (isSo(value)) return value
    await delay(50)
  }
}
