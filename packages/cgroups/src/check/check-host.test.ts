import { describe, expect, it } from '@jest/globals'
import { findingsOf } from './check-host.js'
import type { Finding } from './finding.js'
import type { HostFacts } from './host-facts.js'
import { parseKernelConfig } from './kernel-config.js'

const bare: HostFacts = {
  config: new Map(),
  configSource: undefined,
  cgroupMode: 'v2',
  controllers: new Map(),
  interfaceFiles: new Set(),
  fileSystems: new Set(),
  namespaces: new Set(),
  maxUserNamespaces: 0,
  seccompActions: new Set(),
  hasPressure: false,
  hasNetfilter: false,
  forwardsPackets: false,
}

function find(title: string, host: HostFacts): Finding | undefined {
  return findingsOf(host).find((finding) => finding.title === title)
}

describe('parseKernelConfig()', () => {
  it('reads what is built in, a module, off or a value', () => {
    const text =
      '#\n# Automatic\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_HZ=250\nCONFIG_S="x y"\n'
    expect([...parseKernelConfig(text)]).toEqual([
      ['A', 'y'],
      ['B', 'm'],
      ['C', 'n'],
      ['HZ', 'y'],
      ['S', 'y'],
    ])
  })
})

describe('findingsOf()', () => {
  it("tells from the kernel's configuration where nothing else tells", () => {
    expect(find('bridge', bare)?.availability).toBe('unknown')
    expect(find('bridge', { ...bare, config: new Map([['BRIDGE', 'm']]) })?.availability).toBe('module')
    expect(find('bridge', { ...bare, config: new Map([['VETH', 'y']]) })?.availability).toBe('missing')
    expect(find('cpu quota', { ...bare, config: new Map([['CFS_BANDWIDTH', 'y']]) })?.availability).toBe(
      'there',
    )
  })

  it('tells from the running kernel before its configuration', () => {
    const availability = (title: string, host: Partial<HostFacts>) =>
      find(title, { ...bare, ...host })?.availability
    expect(availability('overlay', { fileSystems: new Set(['overlay']) })).toBe('there')
    expect(availability('overlay', { config: new Map([['OVERLAY_FS', 'm']]) })).toBe('module')
    expect(availability('user namespaces', { namespaces: new Set(['user']) })).toBe('missing')
    expect(availability('memory controller', { controllers: new Map([['memory', 2]]) })).toBe('there')
    expect(availability('hierarchy', { cgroupMode: undefined })).toBe('missing')
  })

  it("has Docker's words for what Docker warns of", () => {
    const v1: HostFacts = { ...bare, cgroupMode: 'v1', controllers: new Map([['memory', 1]]) }
    expect(find('swap accounting', v1)).toMatchObject({
      availability: 'missing',
      warning: 'No swap limit support',
      remedy: expect.stringContaining('swapaccount=1'),
    })
    const files = new Set(['memory.memsw.limit_in_bytes'])
    expect(find('swap accounting', { ...v1, interfaceFiles: files })?.availability).toBe('there')
    // where no group has the controller, nothing is known
    expect(find('swap accounting', bare)?.availability).toBe('unknown')
    expect(find('swap accounting', { ...bare, interfaceFiles: new Set(['memory.max']) })?.availability).toBe(
      'missing',
    )
    expect(find('OOM killer switch', v1)?.warning).toBe('No oom kill disable support')
  })

  it('gives each a consequence and a remedy, by group', () => {
    const findings = findingsOf(bare)
    for (const { consequence, remedy } of findings) expect([consequence, remedy]).not.toContain('')
    expect([...new Set(findings.map(({ group }) => group))]).toEqual([
      'Namespaces',
      'Control groups',
      'File systems',
      'Network',
      'Security',
    ])
  })
})
