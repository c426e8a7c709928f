import { describe, expect, it } from '@jest/globals'
import {
  allCapabilities,
  capabilitiesOfMask,
  capabilityNumber,
  defaultCapabilities,
  parseCapability,
} from './capability.js'
import { resolveCapabilities } from './resolve-capabilities.js'

const all = allCapabilities
const without = (...names: readonly string[]) => defaultCapabilities.filter((one) => !names.includes(one))
const inOrder = (names: readonly string[]) => all.filter((one) => names.includes(one))

describe('capabilityNumber()', () => {
  it('is the number that the kernel knows one by', () => {
    expect(capabilityNumber('CAP_CHOWN')).toBe(0)
    expect(capabilityNumber('CAP_SYS_ADMIN')).toBe(21)
    expect(capabilityNumber('CAP_CHECKPOINT_RESTORE')).toBe(40)
  })
})

describe('capabilitiesOfMask()', () => {
  it('has number n for bit n', () => {
    expect(capabilitiesOfMask(0x1ff_ffff_ffffn)).toEqual(all)
    // CapEff of a container of Docker's
    expect(capabilitiesOfMask(0xa804_25fbn)).toEqual(inOrder(defaultCapabilities))
    expect(capabilitiesOfMask(1n << 63n)).toEqual([])
  })
})

describe('parseCapability()', () => {
  it('takes any case, with or without CAP_', () => {
    for (const text of ['CAP_NET_ADMIN', 'net_admin', 'Cap_Net_Admin', 'NET_ADMIN']) {
      expect(parseCapability(text)).toBe('CAP_NET_ADMIN')
    }
  })

  it('refuses what is no capability', () => {
    for (const text of ['', 'CAP_', 'NOPE', 'ALL', 'CAP_CAP_CHOWN', 'constructor']) {
      expect(() => parseCapability(text)).toThrow(
        `cannot use capability ${JSON.stringify(text)}: no such capability`,
      )
    }
  })
})

describe('resolveCapabilities()', () => {
  it.each([
    ['nothing', {}, defaultCapabilities],
    ['a drop', { drop: ['mknod', 'CAP_KILL'] }, without('CAP_MKNOD', 'CAP_KILL')],
    ['an add', { add: ['sys_admin'] }, [...defaultCapabilities, 'CAP_SYS_ADMIN']],
    ['one name in both', { add: ['mknod'], drop: ['mknod'] }, defaultCapabilities],
    ['all added', { add: ['all'] }, all],
    [
      'all added but one',
      { add: ['ALL'], drop: ['sys_admin'] },
      all.filter((one) => one !== 'CAP_SYS_ADMIN'),
    ],
    ['all dropped', { drop: ['ALL'] }, []],
    ['all dropped but one', { drop: ['all'], add: ['chown'] }, ['CAP_CHOWN']],
    ['all in both', { drop: ['ALL'], add: ['ALL'] }, all],
    ['privileged', { privileged: true, drop: ['ALL'] }, all],
    ['a smaller machine', { add: ['ALL'], available: ['CAP_KILL'] as const }, ['CAP_KILL']],
    ['other basics', { basics: ['CAP_KILL'] as const, add: ['chown'] }, ['CAP_CHOWN', 'CAP_KILL']],
  ])('gives the set for %s', (_, options, expected) => {
    expect(resolveCapabilities(options)).toEqual(inOrder(expected))
  })

  it('refuses unknown names wherever they are', () => {
    expect(() => resolveCapabilities({ add: ['nope'] })).toThrow('no such capability')
    expect(() => resolveCapabilities({ add: ['ALL'], drop: ['nope'] })).toThrow('no such capability')
  })
})
