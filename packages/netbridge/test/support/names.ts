import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { NetworkNamespace } from '../../src/index.js'

const execute = promisify(execFile)

/** What a program prints that runs in a network namespace, while this process goes on answering. */
export async function runAsync(
  netns: NetworkNamespace | undefined,
  ...command: readonly string[]
): Promise<string> {
  const enter = netns === undefined ? [] : ['nsenter', `--net=/proc/${process.pid}/fd/${netns.fd}`, '--']
  const [program, ...args] = [...enter, ...command]
  const { stdout } = await execute(program!, args)
  return stdout
}

/** What dig(1) makes of an answer. */
export interface Dug {
  readonly status: string | undefined
  readonly flags: readonly string[]
  /** Name, type and data of each record of the answer. */
  readonly answers: readonly string[]
  readonly seconds: readonly number[]
}

/** Asks a server with dig(1). A server that does not answer gives no status. */
export async function dig(
  netns: NetworkNamespace | undefined,
  server: string,
  ...args: readonly string[]
): Promise<Dug> {
  const line = ['dig', `@${server}`, '+tries=1', '+time=20', '+noall', '+comments', '+answer', ...args]
  const text = await runAsync(netns, ...line).catch((error: unknown) => (error as { stdout: string }).stdout)
  const records = text.split('\n').filter((each) => each !== '' && !each.startsWith(';'))
  return {
    status: /status: (\w+)/.exec(text)?.[1],
    flags: /flags: ([a-z ]*);/.exec(text)?.[1]?.split(' ') ?? [],
    answers: records
      .map((record) => record.split(/\s+/))
      .map(([name, , , type, ...data]) => [name, type, ...data].join(' ')),
    seconds: records.map((record) => Number(record.split(/\s+/)[1])),
  }
}

/** dnsmasq(8) at an address of this host's loopback. */
export async function dnsmasq(address: string, ...args: readonly string[]): Promise<ChildProcess> {
  const fixed = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--bind-interfaces',
    '--no-resolv',
    '--no-hosts',
  ]
  const own = ['--user=root', '--pid-file', '--port=53', `--listen-address=${address}`, '--local=/./']
  const server = spawn('dnsmasq', [...fixed, ...own, ...args], { stdio: 'ignore' })
  while ((await dig(undefined, address, '+time=1', 'ready.example')).status === undefined) {
    if (server.exitCode !== null) throw new Error(`dnsmasq ended with ${server.exitCode}`)
    await sleep(50)
  }
  return server
}

/** A server by UDP that answers as it likes: none, one or several messages. */
export async function liar(
  address: string,
  answer: (query: Buffer) => readonly Buffer[],
): Promise<AsyncDisposable> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    for (const bytes of answer(query)) socket.send(bytes, from.port, from.address)
  })
  socket.bind(53, address)
  await once(socket, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}
