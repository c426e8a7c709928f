import { execFileSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { CLONE_NEWNET, Fd, setns } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { createNetworkNamespace, moveLink, type NetworkNamespace } from '../src/index.js'

leakCheck()

/** Runs something with this thread in a network namespace; programs that it starts are in it, too. */
function within<Result>(netns: NetworkNamespace, act: () => Result): Result {
  using own = new Fd(openSync('/proc/thread-self/ns/net', 'r'))
  setns(netns.fd, CLONE_NEWNET)
  try {
    return act()
  } finally {
    setns(own.number, CLONE_NEWNET)
  }
}

interface Shown {
  readonly ifname: string
  readonly mtu: number
  readonly address: string
  readonly flags: readonly string[]
  readonly addr_info: readonly {
    readonly local: string
    readonly prefixlen: number
    readonly broadcast?: string
  }[]
}

function ip(netns: NetworkNamespace, ...args: readonly string[]): void {
  within(netns, () => execFileSync('ip', args))
}

function show(netns: NetworkNamespace, name: string): Shown | undefined {
  const links = within(netns, () => execFileSync('ip', ['-json', 'addr', 'show'], { encoding: 'utf8' }))
  return (JSON.parse(links) as Shown[]).find(({ ifname }) => ifname === name)
}

function addressesOf(shown: Shown | undefined): string[] {
  return (shown?.addr_info ?? [])
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .filter((address) => !address.startsWith('fe80:'))
}

describeOn(['root', 'bin:ip'], 'moveLink() on the real kernel', () => {
  let host: NetworkNamespace
  let container: NetworkNamespace

  beforeEach(() => {
    host = createNetworkNamespace()
    container = createNetworkNamespace()
    ip(host, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1')
  })
  afterEach(() => {
    host.close()
    container.close()
  })

  it('moves, renames and sets up, and keeps what the device had', () => {
    ip(host, 'link', 'set', 'veth0', 'mtu', '1789', 'address', '02:11:22:33:44:55', 'up')
    ip(host, 'addr', 'add', '10.1.2.3/24', 'brd', '10.1.2.254', 'dev', 'veth0')
    ip(host, 'addr', 'add', 'fd00::1/64', 'dev', 'veth0', 'nodad')
    const moved = within(host, () => moveLink('veth0', { netnsFd: container.fd, newName: 'eth0' }))
    expect(moved).toMatchObject({ name: 'eth0', up: true })
    expect(show(host, 'veth0')).toBeUndefined()
    const there = show(container, 'eth0')
    expect(there).toMatchObject({ mtu: 1789, address: '02:11:22:33:44:55' })
    expect(there?.flags).toContain('UP')
    expect(addressesOf(there)).toEqual(['10.1.2.3/24', 'fd00::1/64'])
    expect(there?.addr_info[0]?.broadcast).toBe('10.1.2.254')
  })

  it('leaves addresses behind that are not global or not permanent', () => {
    ip(host, 'addr', 'add', '10.0.0.1/32', 'dev', 'veth0')
    ip(host, 'addr', 'add', '10.0.0.2/32', 'scope', 'host', 'dev', 'veth0')
    ip(host, 'addr', 'add', '10.0.0.3/32', 'valid_lft', '600', 'preferred_lft', '600', 'dev', 'veth0')
    within(host, () => moveLink('veth0', { netnsFd: container.fd, newName: 'veth0' }))
    expect(addressesOf(show(container, 'veth0'))).toEqual(['10.0.0.1/32'])
  })

  it('refuses a name that is taken, and leaves the device alone', () => {
    ip(host, 'addr', 'add', '10.0.0.1/32', 'dev', 'veth0')
    ip(container, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth9')
    expect(() => within(host, () => moveLink('veth0', { netnsFd: container.fd, newName: 'eth0' }))).toThrow(
      'cannot move a device to the name eth0: EEXIST',
    )
    expect(addressesOf(show(host, 'veth0'))).toEqual(['10.0.0.1/32'])
  })

  it('lets the kernel number a name', () => {
    ip(container, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1')
    const moved = within(host, () => moveLink('veth0', { netnsFd: container.fd, newName: 'eth%d' }))
    expect(moved.name).toBe('eth2')
    expect(show(container, 'eth2')?.flags).toContain('UP')
  })

  it.each([
    ['nosuch', 'eth0', 'cannot find link nosuch: ENODEV'],
    ['lo', 'eth0', 'cannot move link lo to another network namespace as eth0: EINVAL'],
    ['veth0', 'a/b', 'cannot use "a/b" as network device name'],
    ['', 'eth0', 'cannot use "" as network device name'],
  ])('refuses %j as %j', (name, newName, message) => {
    expect(() => within(host, () => moveLink(name, { netnsFd: container.fd, newName }))).toThrow(message)
  })

  it('moves back what cannot be set up there', () => {
    // two numbers: only the renaming refuses that
    expect(() => within(host, () => moveLink('veth0', { netnsFd: container.fd, newName: '%d%d' }))).toThrow(
      'EINVAL',
    )
    expect(show(host, 'veth0')).toBeDefined()
  })
})
