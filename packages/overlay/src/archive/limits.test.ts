import { describe, expect, it } from '@jest/globals'
import { defaultLayerLimits, layerLimits } from './limits.js'

describe('layerLimits()', () => {
  it('fills in what is not given', () => {
    expect(layerLimits()).toEqual(defaultLayerLimits)
    expect(layerLimits({ bytes: 5 })).toEqual({ ...defaultLayerLimits, bytes: 5 })
  })

  it.each([{ bytes: 0 }, { entries: -1 }, { depth: 1.5 }, { pathBytes: NaN }, { pathBytes: 4096 }])(
    'refuses %j',
    (given) => {
      expect(() => layerLimits(given)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_INVALID_ARG' }))
    },
  )
})
