import { describe, expect, it } from '@jest/globals'
import type { HostFacts } from './feature.js'
import { features } from './features.js'
import { parseKernelConfig } from './kernel-config.js'
import { missingFeatures } from './missing-features.js'

const bare: HostFacts = {
  config: new Map(),
  configSource: undefined,
  fileSystems: new Set(),
  namespaces: new Set(),
  controllers: new Set(),
  cgroupMode: 'v2',
  maxUserNamespaces: 0,
  seccompActions: new Set(),
  accountsSwap: false,
  hasNetfilter: false,
  forwardsPackets: false,
}

function availability(title: string, host: HostFacts): string | undefined {
  return features.find((feature) => feature.title === title)?.test(host)
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

describe('features', () => {
  it("are told from the kernel's configuration where nothing else tells", () => {
    expect(availability('bridge', bare)).toBe('unknown')
    expect(availability('bridge', { ...bare, config: new Map([['BRIDGE', 'm']]) })).toBe('module')
    expect(availability('bridge', { ...bare, config: new Map([['VETH', 'y']]) })).toBe('missing')
  })

  it('are told from the running kernel before its configuration', () => {
    expect(availability('overlay', { ...bare, fileSystems: new Set(['overlay']) })).toBe('there')
    expect(availability('overlay', { ...bare, config: new Map([['OVERLAY_FS', 'm']]) })).toBe('module')
    expect(availability('user namespaces', { ...bare, namespaces: new Set(['user']) })).toBe('missing')
    expect(availability('swap accounting', { ...bare, accountsSwap: true })).toBe('there')
  })

  it('each have a consequence and a remedy', () => {
    for (const { consequence, remedy } of missingFeatures(bare))
      expect([consequence, remedy]).not.toContain('')
    expect(missingFeatures(bare).length).toBeGreaterThan(10)
  })
})
