import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from '@jest/globals'
import { NETLINK_ROUTE, setsockopt, SO_RCVBUF, SOL_SOCKET } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { createNetworkNamespace } from '../src/index.js'
import { newIfb } from '../src/netlink/traffic-control.js'
import { getLink, getLinks, newBridge, readLink } from '../src/netlink/link-messages.js'
import { NetlinkSocket } from '../src/netlink/netlink-socket.js'
import { exchangeRoute } from '../src/netlink/route-request.js'
import { insideNetwork } from '../src/network-namespace.js'

leakCheck()

describeOn(['root', 'bin:ip', 'bin:nsenter'], 'netlink when the kernel cannot answer whole', () => {
  it('lists links whole while others come and go', async () => {
    using netns = createNetworkNamespace()
    using socket = insideNetwork(netns.fd, () => new NetlinkSocket(NETLINK_ROUTE))
    const stable = Array.from({ length: 60 }, (_, number) => `stable${number}`)
    for (const name of stable) exchangeRoute(socket, [newIfb(name, undefined)])
    const churn =
      'while :; do ip link add c0 type ifb; ip link add c1 type ifb; ip link del c0; ip link del c1; done'
    const child = spawn('nsenter', [`--net=/proc/${process.pid}/fd/${netns.fd}`, 'sh', '-c', churn], {
      stdio: 'ignore',
    })
    const ended = once(child, 'close')
    try {
      for (let round = 0; round < 100; round++) {
        const names = exchangeRoute(socket, [getLinks()]).map((message) => readLink(message).name)
        expect(names.filter((name) => name.startsWith('stable')).sort()).toEqual([...stable].sort())
        expect(new Set(names).size).toBe(names.length)
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      child.kill('SIGKILL')
      await ended
    }
  })

  it('says that answers did not fit into the socket, and takes none of them for those to the next request', () => {
    using socket = new NetlinkSocket(NETLINK_ROUTE)
    setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, 1) // the kernel makes it the smallest that it allows
    const many = Array.from({ length: 100 }, () => getLink('lo'))
    expect(() => exchangeRoute(socket, many)).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_KERNEL', errnoCode: 'ENOBUFS' }),
    )
    expect(() => exchangeRoute(socket, many)).toThrow(/the answer is not whole/)
    expect(exchangeRoute(socket, [getLink('lo')]).map(readLink)).toMatchObject([{ name: 'lo', index: 1 }])
  })

  it("has the kernel's own words in what it throws", () => {
    using netns = createNetworkNamespace()
    using socket = insideNetwork(netns.fd, () => new NetlinkSocket(NETLINK_ROUTE))
    const nonsense = { ...newIfb('x', undefined), body: newIfb('a/b', undefined).body }
    expect(() => exchangeRoute(socket, [nonsense])).toThrow(/^cannot create ifb x: EINVAL \(.*\)/)
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1)
    expect(() => exchangeRoute(socket, [newBridge('y', mac, 2 ** 30)])).toThrow(
      /^cannot create bridge y: EINVAL \(.*\): mtu greater than device maximum$/,
    )
  })
})
