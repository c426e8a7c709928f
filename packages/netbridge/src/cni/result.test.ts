import { describe, expect, it } from '@jest/globals'
import { readResult } from './result.js'

describe('readResult()', () => {
  it('brings answers of other versions into the form of the one that was asked for', () => {
    const old = { cniVersion: '0.3.1', ips: [{ version: '4', address: '10.0.0.2/24' }], more: 1 }
    expect(readResult(old, '1.0.0')).toEqual({
      cniVersion: '1.0.0',
      ips: [{ address: '10.0.0.2/24' }],
      more: 1,
    })
    const next = { cniVersion: '1.0.0', ips: [{ address: 'fd00::2/64' }] }
    expect(readResult(next, '0.4.0')).toEqual({
      cniVersion: '0.4.0',
      ips: [{ version: '6', address: 'fd00::2/64' }],
    })
    expect(readResult({ dns: null }, '1.1.0')).toEqual({ cniVersion: '1.1.0' })
  })

  it.each([
    [undefined, /no JSON object/],
    [[], /no JSON object/],
    [{ cniVersion: '7' }, /cniVersion/],
    [{ cniVersion: {} }, /cniVersion/],
    [{ interfaces: 'eth0' }, /interfaces is no list/],
    [{ interfaces: [{ name: 7 }] }, /interfaces is malformed/],
    [{ ips: [null] }, /ips is no object/],
    [{ ips: [{ address: '10.0.0.2' }] }, /CIDR/],
    [{ ips: [{ address: '10.0.0.2/33' }] }, /CIDR/],
    [{ ips: [{ address: 'rubbish/24' }] }, /CIDR/],
    [{ ips: [{ address: '10.0.0.2/24', gateway: 'x' }] }, /malformed/],
    [{ ips: [{ address: '10.0.0.2/24', interface: 1 }], interfaces: [{ name: 'a' }] }, /does not name/],
    [{ routes: [{ dst: 'everywhere' }] }, /routes is malformed/],
    [{ dns: { nameservers: [1] } }, /dns/],
    [{ dns: 'x' }, /dns/],
  ])('says what is wrong with %j', (value, message) => {
    expect(readResult(value, '1.0.0')).toMatch(message)
  })
})
