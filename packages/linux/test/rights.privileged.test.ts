import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { leakCheck, temporaryFolder } from '@ctr/testing'
import {
  AF_UNIX,
  bind,
  closeFd,
  connectUnix,
  execute,
  F_GETFD,
  Fd,
  FD_CLOEXEC,
  listen,
  messageWithFds,
  MSG_DONTWAIT,
  Program,
  receiveFd,
  send,
  sendFd,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  socket,
  socketpair,
  syscall,
  unixAddress,
} from '../src/index.js'

leakCheck()

function pair(type: number): { readonly left: Fd; readonly right: Fd } & Disposable {
  const [left, right] = socketpair(AF_UNIX, type, 0).map((fd) => new Fd(fd)) as [Fd, Fd]
  return {
    left,
    right,
    [Symbol.dispose]() {
      left.close()
      right.close()
    },
  }
}

describe('sendFd() and receiveFd()', () => {
  it.each([
    ['stream', SOCK_STREAM],
    ['datagram', SOCK_DGRAM],
    ['sequence of packets', SOCK_SEQPACKET],
  ])('carry a descriptor of one file over a %s', (_, type) => {
    using folder = temporaryFolder()
    using sockets = pair(type)
    const path = join(folder.path, 'file')
    writeFileSync(path, 'content')
    const file = openSync(path, 'r')
    const { ino } = fstatSync(file)
    expect(sendFd(sockets.left.number, file, Buffer.from('hello'))).toBe(5)
    closeSync(file)

    const { fd, bytes } = receiveFd(sockets.right.number)
    using received = new Fd(fd!)
    expect(bytes.toString()).toBe('hello')
    expect(fstatSync(received.number).ino).toBe(ino)
    expect(syscall('fcntl', received.number, F_GETFD)).toBe(FD_CLOEXEC)
    expect(readFileSync(received.number, 'utf8')).toBe('content')
  })

  it('tell bytes without a descriptor, and the end', () => {
    using sockets = pair(SOCK_STREAM)
    send(sockets.left.number, Buffer.from('plain'))
    sockets.left.close()
    expect(receiveFd(sockets.right.number)).toEqual({ fd: undefined, bytes: Buffer.from('plain') })
    expect(receiveFd(sockets.right.number)).toEqual({ fd: undefined, bytes: Buffer.alloc(0) })
  })

  it('leave the rest of a stream for the next call', () => {
    using sockets = pair(SOCK_STREAM)
    sendFd(sockets.left.number, sockets.left.number, Buffer.from('abcdef'))
    const first = receiveFd(sockets.right.number, 4)
    closeFd(first.fd!)
    expect(first.bytes.toString()).toBe('abcd')
    expect(receiveFd(sockets.right.number).bytes.toString()).toBe('ef')
  })

  it('close what comes beyond the one descriptor', () => {
    using sockets = pair(SOCK_STREAM)
    const { number } = sockets.left
    syscall('sendmsg', number, messageWithFds([number, number, number], Buffer.from('x')), 0)
    const { fd, bytes } = receiveFd(sockets.right.number)
    expect(bytes.length).toBe(1)
    closeFd(fd!) // the leak check finds the others, if any
  })

  it('report a peer that has gone, a full stream and a descriptor that is none', () => {
    using sockets = pair(SOCK_STREAM)
    const { number } = sockets.left
    expect(() => sendFd(number, 9999, Buffer.from('x'))).toThrow(
      `sendmsg(${number}, {fds: [9999], 1 bytes}, MSG_NOSIGNAL): EBADF`,
    )
    const filled = sendFd(number, number, Buffer.alloc(4 * 2 ** 20), MSG_DONTWAIT)
    expect(filled).toBeGreaterThan(10_000)
    expect(() => sendFd(number, number, Buffer.from('x'), MSG_DONTWAIT)).toThrow(
      expect.objectContaining({ code: 'EAGAIN' }),
    )
    sockets.right.close()
    expect(() => sendFd(number, number, Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'EPIPE' }))
  })
})

describe('messageWithFds()', () => {
  it('is sent by a program', async () => {
    using sockets = pair(SOCK_STREAM)
    const program = new Program()
    const { number } = sockets.left
    program.call('sendmsg', [number, messageWithFds([number], Buffer.from('from a program')), 0])
    await execute(program)
    const { fd, bytes } = receiveFd(sockets.right.number)
    closeFd(fd!)
    expect(bytes.toString()).toBe('from a program')
  })
})

describe('connectUnix()', () => {
  it('reaches a server, by a path longer than an address too', async () => {
    using folder = temporaryFolder()
    const deep = join(folder.path, 'd'.repeat(200))
    syscall('mkdirat', -100, deep, 0o700)
    for (const path of [join(folder.path, 'server'), join(deep, 'server')]) {
      using listening = new Fd(socket(AF_UNIX, SOCK_STREAM, 0))
      using within = new Fd(openSync(join(path, '..'), 'r'))
      const address = unixAddress(`/proc/self/fd/${within.number}/server`)
      bind(listening.number, address)
      listen(listening.number, 1)
      using connection = new Fd(connectUnix(path))
      expect(syscall('fcntl', connection.number, F_GETFD)).toBe(FD_CLOEXEC)
      send(connection.number, Buffer.from('hi'))
      using accepted = new Fd(syscall('accept4', listening.number, null, null, 0))
      expect(receiveFd(accepted.number).bytes.toString()).toBe('hi')
    }
    const server = createServer((client) => client.end('from node'))
    const path = join(folder.path, 'node')
    await once(server.listen(path), 'listening')
    using connection = new Fd(connectUnix(path))
    await once(server, 'connection')
    expect(receiveFd(connection.number).bytes.toString()).toBe('from node')
    connection.close()
    await once(server.close(), 'close')
  })

  it('says what is wrong, and leaves no descriptor', () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'socket')
    const failure = (run: () => unknown, code: string) =>
      expect(run).toThrow(expect.objectContaining({ code }))
    failure(() => connectUnix(path), 'ENOENT')
    failure(() => connectUnix(`${folder.path}/${'n'.repeat(120)}`), 'ERR_LINUX_INVALID_ARG')
    failure(() => connectUnix(''), 'ERR_LINUX_INVALID_ARG')
    failure(() => connectUnix('a\0b'), 'ERR_LINUX_INVALID_ARG')
    using listening = new Fd(socket(AF_UNIX, SOCK_STREAM, 0))
    bind(listening.number, unixAddress(path))
    failure(() => connectUnix(path), 'ECONNREFUSED')
    listen(listening.number, 0)
    failure(() => connectUnix(path, SOCK_SEQPACKET), 'EPROTOTYPE')
    using first = new Fd(connectUnix(path, SOCK_STREAM | SOCK_NONBLOCK))
    expect(first.number).toBeGreaterThan(2)
    failure(() => connectUnix(path, SOCK_STREAM | SOCK_NONBLOCK), 'EAGAIN')
  })
})
