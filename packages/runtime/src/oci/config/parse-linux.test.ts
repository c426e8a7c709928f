import { describe, expect, it } from '@jest/globals'
import { base, ids, type Json, messageOf, withLinux, withUser } from '../../../test/support/oci-config.js'
import { parseConfig } from './parse-config.js'

const parse = (config: Json) => parseConfig(JSON.stringify(config))

describe('parseConfig() of linux', () => {
  it.each<[Json, string | RegExp]>([
    [{ namespaces: [{ type: 'x' }] }, /^linux.namespaces\[0\].type must be one of /],
    [
      { namespaces: [{ type: 'pid' }, { type: 'pid' }] },
      'linux.namespaces[1] is a second namespace of type pid',
    ],
    [
      { namespaces: [{ type: 'pid', path: 'x' }] },
      'linux.namespaces[0].path must be an absolute path, got "x"',
    ],
    [
      { uidMappings: ids, gidMappings: ids },
      'linux.uidMappings needs a namespace of type user in linux.namespaces',
    ],
    [{ uidMappings: [], gidMappings: null }, 'accepted'],
    [{ timeOffsets: {} }, 'linux.timeOffsets needs a namespace of type time in linux.namespaces'],
    [
      { namespaces: [{ type: 'time', path: '/proc/1/ns/time' }], timeOffsets: { boottime: { secs: -1 } } },
      'linux.timeOffsets cannot be set for a time namespace that is joined',
    ],
    [
      { namespaces: [{ type: 'time' }], timeOffsets: { boottime: { nanosecs: 1e9 } } },
      'linux.timeOffsets.boottime.nanosecs must be an integer from 0 to 999999999, got 1000000000',
    ],
    [{ devices: [{ type: 'x', path: '/a' }] }, 'linux.devices[0].type must be one of c, b, u, p, got "x"'],
    [{ devices: [{ type: 'p', path: 'a' }] }, 'linux.devices[0].path must be an absolute path, got "a"'],
    [
      { devices: [{ type: 'c', path: '/a', major: 4096 }] },
      /^linux.devices\[0\].major must be an integer from 0 to 4095/,
    ],
    [
      { netDevices: { eth0: {}, eth1: { name: 'eth0' } } },
      'linux.netDevices: two devices would be named "eth0" in the container',
    ],
    [{ netDevices: { eth0: { name: 'ctr%d' }, eth1: { name: 'ctr%d' } } }, 'accepted'],
    [
      { netDevices: { '../x': {} } },
      `linux.netDevices["../x"] must be a network device's name of at most 15 bytes, got "../x"`,
    ],
    [
      { netDevices: { a: {} }, namespaces: [] },
      'linux.netDevices needs a namespace of type network in linux.namespaces',
    ],
    [
      { maskedPaths: ['/a'], namespaces: [] },
      'linux.maskedPaths needs a namespace of type mount in linux.namespaces',
    ],
    [{ readonlyPaths: ['a'] }, 'linux.readonlyPaths[0] must be an absolute path, got "a"'],
    [{ cgroupsPath: '/a\0b' }, 'linux.cgroupsPath must be text without NUL, got "/a\\u0000b"'],
    [{ rootfsPropagation: 'x' }, /^linux.rootfsPropagation must be one of shared, /],
    [{ personality: { domain: 'X' } }, 'linux.personality.domain must be one of LINUX, LINUX32, got "X"'],
    [{ intelRdt: { closID: '/' } }, 'accepted'],
    [{ intelRdt: { closID: '..' } }, 'linux.intelRdt.closID must be the name of one folder, or /, got ".."'],
    [
      { intelRdt: { closID: 'a/b' } },
      'linux.intelRdt.closID must be the name of one folder, or /, got "a/b"',
    ],
    [
      { intelRdt: { memBwSchema: 'L3:0' } },
      'linux.intelRdt.memBwSchema must be text that begins with MB:, got "L3:0"',
    ],
    [
      { intelRdt: { schemata: ['MB:0=1\nL3:0=f'] } },
      /^linux.intelRdt.schemata\[0\] must be one line of text/,
    ],
  ])('linux %j: %s', (fields, message) => {
    const found = messageOf(() => parse(withLinux(fields)))
    if (typeof message === 'string') expect(found).toBe(message)
    else expect(found).toMatch(message)
  })

  it.each<[Json, string]>([
    [{ uidMappings: ids }, 'linux.gidMappings must be set: the ids of the user namespace'],
    [
      { uidMappings: [{ containerID: 0, hostID: -1, size: 1 }] },
      'linux.uidMappings[0].hostID must be an integer from 0 to 4294967295, got -1',
    ],
    [
      { uidMappings: [{ containerID: 0, hostID: 0, size: 0 }] },
      'linux.uidMappings[0].size must be an integer from 1 to 4294967295, got 0',
    ],
    [
      { uidMappings: [{ containerID: 4294967295, hostID: 0, size: 2 }] },
      'linux.uidMappings: containerID 4294967295 and size 2 exceed 32 bits',
    ],
    [{ uidMappings: [...ids, ...ids] }, 'linux.uidMappings: the ranges of containerID 0 and 0 overlap'],
    [
      { uidMappings: Array(341).fill(ids[0]) },
      'linux.uidMappings must be at most 340 ranges, got a list of 341',
    ],
  ])('user namespace %j: %s', (fields, message) => {
    expect(messageOf(() => parse(withUser({}, fields)))).toBe(message)
  })

  it.each<[string, string, string]>([
    ['net.ipv4.ip_forward', '1', 'accepted'],
    ['net/ipv4/conf/eth0.1/forwarding', '1', 'accepted'],
    ['kernel.shm_rmid_forced', '1', 'accepted'],
    ['fs.mqueue.msg_max', '1', 'accepted'],
    ['kernel.domainname', 'a', 'accepted'],
    ['kernel.hostname', 'h', 'linux.sysctl["kernel.hostname"] conflicts with hostname: set that one'],
    [
      'kernel.core_pattern',
      'x',
      'linux.sysctl["kernel.core_pattern"] is not a sysctl that a namespace has its own value of',
    ],
    [
      'net/../kernel/core_pattern',
      'x',
      'sysctl "net/../kernel/core_pattern" must be a name such as net.ipv4.ip_forward',
    ],
    [
      'net.//.kernel.core_pattern',
      'x',
      'sysctl "net.//.kernel.core_pattern" must be a name such as net.ipv4.ip_forward',
    ],
    ['net.ipv4.', 'x', 'sysctl "net.ipv4." must be a name such as net.ipv4.ip_forward'],
  ])('sysctl %s=%s: %s', (name, value, message) => {
    const config = { ...withLinux({ sysctl: { [name]: value } }), hostname: 'h' }
    expect(messageOf(() => parse(config))).toBe(message)
  })

  it("refuses sysctls and names of namespaces that are the runtime's own", () => {
    const sysctl = { 'net.ipv4.ip_forward': '1' }
    const needs = 'needs a namespace of type network in linux.namespaces'
    expect(messageOf(() => parse(withLinux({ sysctl, namespaces: [] })))).toBe(
      `linux.sysctl["net.ipv4.ip_forward"] ${needs}`,
    )
    const joined = { type: 'network', path: '/proc/self/ns/net' }
    expect(messageOf(() => parse(withLinux({ sysctl, namespaces: [joined] })))).toBe(
      'linux.sysctl["net.ipv4.ip_forward"] would change the host: the namespace of type network is the runtime\'s own',
    )
    const other = { type: 'network', path: '/nonexistent' }
    expect(messageOf(() => parse(withLinux({ sysctl, namespaces: [other] })))).toBe('accepted')
    expect(messageOf(() => parse({ ...base, hostname: 'a', linux: {} }))).toBe(
      'hostname needs a namespace of type uts in linux.namespaces',
    )
  })

  it.each<[Json, string]>([
    [{}, 'linux.memoryPolicy.mode must be set: one of MPOL_DEFAULT, '],
    [{ mode: 'BAD_MODE' }, 'linux.memoryPolicy.mode must be one of '],
    [{ mode: 'MPOL_PREFERRED', flags: ['BADFLAG'] }, 'linux.memoryPolicy.flags[0] must be one of '],
    [
      { mode: 'MPOL_INTERLEAVE' },
      'linux.memoryPolicy.nodes must be set: a list of nodes for MPOL_INTERLEAVE',
    ],
    [{ mode: 'MPOL_PREFERRED', nodes: 'bad' }, 'linux.memoryPolicy.nodes must be a list such as 0-3,7 '],
    [
      { mode: 'MPOL_PREFERRED', nodes: '10284838' },
      'linux.memoryPolicy.nodes must be a list such as 0-3,7 of numbers up to 1023',
    ],
    [
      { mode: 'MPOL_PREFERRED', flags: ['MPOL_F_NUMA_BALANCING'] },
      'linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING is only for ',
    ],
    [{ mode: 'MPOL_PREFERRED', flags: ['MPOL_F_STATIC_NODES'] }, 'linux.memoryPolicy.nodes must be set: '],
    [
      { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] },
      'linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other',
    ],
    [{ mode: 'MPOL_DEFAULT', nodes: '0' }, 'linux.memoryPolicy.nodes must be unset for MPOL_DEFAULT'],
    [
      { mode: 'MPOL_LOCAL', flags: ['MPOL_F_STATIC_NODES'] },
      'linux.memoryPolicy.flags: MPOL_F_STATIC_NODES is not for MPOL_LOCAL',
    ],
    [
      { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES'] },
      'accepted',
    ],
    [{ mode: 'MPOL_PREFERRED' }, 'accepted'],
    [{ mode: 'MPOL_LOCAL' }, 'accepted'],
  ])('memory policy %j: %s', (memoryPolicy, message) => {
    expect(messageOf(() => parse(withLinux({ memoryPolicy })))).toContain(message)
  })

  it.each<[Json, string]>([
    [{}, 'accepted'],
    [{ defaultAction: '', syscalls: [] }, 'accepted'],
    [{ defaultAction: 'SCMP_ACT_X' }, 'linux.seccomp.defaultAction must be one of '],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' },
      'linux.seccomp.listenerMetadata must not be set without linux.seccomp.listenerPath',
    ],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [], action: 'SCMP_ACT_LOG' }] },
      'linux.seccomp.syscalls[0].names must be at least one name, got a list of 0',
    ],
    [{ defaultAction: 'SCMP_ACT_ALLOW', flags: ['X'] }, 'linux.seccomp.flags[0] must be one of '],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['X'] },
      'linux.seccomp.architectures[0] must be one of ',
    ],
  ])('seccomp %j: %s', (seccomp, message) => {
    expect(messageOf(() => parse(withLinux({ seccomp })))).toContain(message)
    if (Object.keys(seccomp).length === 0)
      expect(parse(withLinux({ seccomp })).linux?.seccomp).toBeUndefined()
  })
})
