import { describe, expect, it } from '@jest/globals'
import { sysctlFile, sysctlNamespace } from './sysctl.js'

describe('sysctlFile()', () => {
  it.each([
    ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
    ['net/ipv4/ip_forward', 'net/ipv4/ip_forward'],
    ['net.ipv4.conf.eth0/1.forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
    ['net/ipv4/conf/eth0.1/forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
    ['domainname', 'domainname'],
  ])('of %s is %s', (name, file) => {
    expect(sysctlFile(name)).toBe(file)
  })

  it.each(['', '.', '/', '..', 'net/../a', 'net.//.a', '/etc/passwd', 'net//a', 'net.a.', 'a\0b'])(
    'refuses %j',
    (name) => {
      expect(() => sysctlFile(name)).toThrow('must be a name such as net.ipv4.ip_forward')
    },
  )
})

describe('sysctlNamespace()', () => {
  it.each([
    ['kernel/shmmax', 'ipc'],
    ['fs/mqueue/msg_max', 'ipc'],
    ['net/core/somaxconn', 'network'],
    ['kernel/domainname', 'uts'],
    ['kernel/core_pattern', undefined],
    ['fs/mqueue', undefined],
  ])('of %s is %s', (file, type) => {
    expect(sysctlNamespace(file)).toBe(type)
  })
})
