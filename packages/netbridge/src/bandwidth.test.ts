import { describe, expect, it } from '@jest/globals'
import { checkBandwidth, limitsOf } from './bandwidth.js'

describe('checkBandwidth()', () => {
  it('reads bits and says bytes, with a burst of 10 ms or 64 KiB', () => {
    expect(checkBandwidth({ ingressRate: 8_000_000, ingressBurst: 80_000, egressRate: 1e11 })).toEqual({
      ingress: { rate: 1_000_000, burst: 10_000 },
      egress: { rate: 12_500_000_000, burst: 125_000_000 },
    })
    expect(checkBandwidth({ egressRate: 8 })).toEqual({
      ingress: undefined,
      egress: { rate: 1, burst: 65_536 },
    })
    expect(checkBandwidth({})).toEqual({ ingress: undefined, egress: undefined })
    expect(checkBandwidth({ ingressRate: 1e15 }).ingress).toEqual({ rate: 125e12, burst: 4_294_967_295 })
  })

  it.each([
    { ingressRate: 0 },
    { ingressRate: 7 },
    { ingressRate: -1 },
    { egressRate: NaN },
    { egressRate: Infinity },
    { egressRate: 1e16 },
    { ingressBurst: 100_000 },
    { ingressRate: 1000, ingressBurst: 100 },
    { egressRate: 1000, egressBurst: 1e12 },
    { egressRate: '10' as unknown as number },
  ])('refuses %p', (bandwidth) => {
    expect(() => checkBandwidth(bandwidth)).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' }),
    )
  })
})

describe('limitsOf()', () => {
  it('is nothing where nothing is limited', () => {
    expect(limitsOf(undefined)).toBeUndefined()
    expect(limitsOf({})).toBeUndefined()
    expect(limitsOf({ egressRate: 1000 })).toEqual({ egressRate: 1000 })
  })
})
