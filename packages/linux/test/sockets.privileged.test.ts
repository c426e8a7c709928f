import { describe, expect, it } from '@jest/globals'
import { leakCheck } from '@ctr/testing'
import {
  AF_INET,
  AF_NETLINK,
  bind,
  F_GETFD,
  Fd,
  FD_CLOEXEC,
  getsockname,
  listen,
  MSG_DONTWAIT,
  NETLINK_EXT_ACK,
  NETLINK_ROUTE,
  recv,
  send,
  setsockopt,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOCK_STREAM,
  socket,
  SOL_NETLINK,
  SOL_SOCKET,
  syscall,
} from '../src/index.js'

leakCheck()

describe('a netlink socket', () => {
  it('lists the links (RTM_GETLINK)', () => {
    const RTM_NEWLINK = 16
    const RTM_GETLINK = 18
    const NLM_F_REQUEST_DUMP = 0x301
    using netlink = new Fd(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
    setsockopt(netlink.number, SOL_NETLINK, NETLINK_EXT_ACK, 1)
    bind(netlink.number, Uint8Array.of(AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    expect(getsockname(netlink.number).readUInt16LE(0)).toBe(AF_NETLINK)

    const request = Buffer.alloc(32) // struct nlmsghdr, struct ifinfomsg
    request.writeUInt32LE(request.length, 0)
    request.writeUInt16LE(RTM_GETLINK, 4)
    request.writeUInt16LE(NLM_F_REQUEST_DUMP, 6)
    expect(send(netlink.number, request)).toBe(32)
    const answer = Buffer.alloc(65536)
    const length = recv(netlink.number, answer)
    expect(answer.readUInt16LE(4)).toBe(RTM_NEWLINK)
    expect(answer.subarray(0, length).includes('lo\0')).toBe(true)
  })

  it('says that nothing is there yet', () => {
    using netlink = new Fd(socket(AF_NETLINK, SOCK_RAW + SOCK_CLOEXEC, NETLINK_ROUTE))
    expect(() => recv(netlink.number, Buffer.alloc(16), MSG_DONTWAIT)).toThrow(
      `recvfrom(${netlink.number}, [16 bytes out], 16, MSG_DONTWAIT, NULL, NULL): EAGAIN`,
    )
  })
})

describe('a TCP socket', () => {
  it('is close-on-exec, and listens where it was bound', () => {
    using server = new Fd(socket(AF_INET, SOCK_STREAM, 0))
    expect(syscall('fcntl', server.number, F_GETFD)).toBe(FD_CLOEXEC)
    setsockopt(server.number, SOL_SOCKET, SO_REUSEADDR, 1)
    const address = Buffer.alloc(16)
    address.writeUInt16LE(AF_INET, 0)
    address.set([127, 0, 0, 1], 4)
    bind(server.number, address)
    listen(server.number, 1)
    const bound = getsockname(server.number)
    expect(bound.length).toBe(16)
    expect(bound.readUInt16BE(2)).toBeGreaterThan(0)
    using other = new Fd(socket(AF_INET, SOCK_STREAM, 0))
    expect(() => bind(other.number, bound)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }))
  })
})
