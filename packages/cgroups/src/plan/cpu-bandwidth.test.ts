import { describe, expect, it } from '@jest/globals'
import { cpuBandwidth } from './cpu-bandwidth.js'

describe('cpuBandwidth()', () => {
  it('says processors as quota and period', () => {
    expect(cpuBandwidth(0.5)).toEqual({ quota: 50_000, period: 100_000 })
    expect(cpuBandwidth(2.25, 20_000)).toEqual({ quota: 45_000, period: 20_000 })
  })

  it.each([0, -1, 0.001, Number.NaN, Infinity])('refuses %d processors', (cpus) => {
    expect(() => cpuBandwidth(cpus)).toThrow('cannot use cpus: it must be a number from 0.01, got')
  })
})
