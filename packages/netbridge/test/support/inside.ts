import { closeSync, openSync } from 'node:fs'
import { connect as connectTcp, createServer, Socket, type Server } from 'node:net'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  AF_INET,
  AF_INET6,
  bind,
  CLONE_NEWNET,
  closeFd,
  isSyscallError,
  listen,
  setns,
  setsockopt,
  SO_REUSEADDR,
  SO_SNDTIMEO,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
  syscall,
} from '@ctr/linux'

/** Does something with the calling thread inside a network namespace. */
export function inside<Result>(netnsFd: number, body: () => Result): Result {
  const back = openSync('/proc/thread-self/ns/net', 'r')
  try {
    setns(netnsFd, CLONE_NEWNET)
    return body()
  } finally {
    setns(back, CLONE_NEWNET)
    closeSync(back)
  }
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(address: string, port: number): Buffer {
  if (address.includes(':')) return socketAddress6(address, port)
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(address.split('.').map(Number), 4)
  return bytes
}

function socketAddress6(address: string, port: number): Buffer {
  const [before = '', after = ''] = address.split('::') // written short, as kernel and package write it
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((g) => parseInt(g, 16)))
  const bytes = Buffer.alloc(28)
  bytes.writeUInt16LE(AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  groups(before).forEach((group, at) => bytes.writeUInt16BE(group, 8 + 2 * at))
  groups(after).forEach((group, at, all) => bytes.writeUInt16BE(group, 24 - 2 * (all.length - at)))
  return bytes
}

const familyOf = (address: string): number => (address.includes(':') ? AF_INET6 : AF_INET)

/** A TCP server inside a namespace that tells each client `NAME sees ADDRESS`. */
export async function serve(
  netnsFd: number,
  port: number,
  name: string,
  address = '0.0.0.0',
): Promise<AsyncDisposable> {
  return serveTcp(netnsFd, port, address, (client) => {
    client.end(`${name} sees ${String(client.remoteAddress)}`)
  })
}

/** A TCP server inside a namespace that gives each client back what it says. */
export async function mirror(netnsFd: number, port: number, address: string): Promise<AsyncDisposable> {
  return serveTcp(netnsFd, port, address, (client) => client.pipe(client), true)
}

async function serveTcp(
  netnsFd: number,
  port: number,
  address: string,
  answer: (client: Socket) => unknown,
  allowHalfOpen = false,
): Promise<AsyncDisposable> {
  const fd = inside(netnsFd, () => socket(familyOf(address), SOCK_STREAM, 0))
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1)
  bind(fd, socketAddress(address, port))
  listen(fd, 64)
  const server: Server = createServer({ allowHalfOpen }, (client) => {
    client.on('error', () => undefined)
    answer(client)
  })
  server.listen({ fd })
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

/** A UDP server inside a namespace that answers `NAME sees ADDRESS`. */
export async function serveUdp(
  netnsFd: number,
  port: number,
  name: string,
  address = '0.0.0.0',
): Promise<AsyncDisposable> {
  const fd = inside(netnsFd, () => socket(familyOf(address), SOCK_DGRAM, 0))
  bind(fd, socketAddress(address, port))
  const server = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  server.on('message', (_, from) => server.send(`${name} sees ${from.address}`, from.port, from.address))
  const listening = once(server, 'listening') // emitted within bind() for a descriptor
  server.bind({ fd })
  await listening
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

/** What a TCP server says, asked from a namespace; a name of an error when it cannot be reached. */
export async function ask(netnsFd: number, address: string, port: number, timeoutMs = 1500): Promise<string> {
  const fd = inside(netnsFd, () => socket(familyOf(address), SOCK_STREAM, 0))
  const timeout = Buffer.alloc(16)
  timeout.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)), 0)
  timeout.writeBigInt64LE(BigInt((timeoutMs % 1000) * 1000), 8)
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeout)
  // a signal, such as for a child that has ended, interrupts the wait but not the connecting
  for (let outcome = 'EINTR'; outcome === 'EINTR';) {
    outcome = tryConnect(fd, socketAddress(address, port))
    if (outcome === 'EINTR' || outcome === '') continue
    closeFd(fd)
    return outcome
  }
  return everything(new Socket({ fd }))
}

/** Name of the error, empty when connected. */
function tryConnect(fd: number, address: Uint8Array): string {
  try {
    syscall('connect', fd, address, address.length)
    return ''
  } catch (error) {
    if (isSyscallError(error)) return error.code
    throw error
  }
}

/** A TCP connection from inside a namespace. */
export function connectInside(netnsFd: number, address: string, port: number): number {
  const fd = inside(netnsFd, () => socket(familyOf(address), SOCK_STREAM, 0))
  let outcome = 'EINTR'
  while (outcome === 'EINTR') outcome = tryConnect(fd, socketAddress(address, port))
  if (outcome !== '' && outcome !== 'EISCONN') throw new Error(`cannot connect to ${address}: ${outcome}`)
  return fd
}

/** What a TCP server says, asked from the host. */
export async function askFromHost(address: string, port: number): Promise<string> {
  const client = connectTcp({ host: address, port, timeout: 1500 })
  client.on('timeout', () => client.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })))
  return everything(client)
}

/** What a UDP server answers to the host. */
export async function askUdpFromHost(address: string, port: number): Promise<string> {
  const client = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  try {
    client.send('?', port, address)
    const [answer] = (await once(client, 'message', { signal: AbortSignal.timeout(1500) })) as [Buffer]
    return answer.toString()
  } finally {
    client.close()
  }
}

async function everything(client: Socket): Promise<string> {
  try {
    let text = ''
    for await (const chunk of client) text += String(chunk)
    return text
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  } finally {
    client.destroy()
  }
}
