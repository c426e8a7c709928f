import { describe, expect, it } from '@jest/globals'
import { solicitedNode } from './neighbour-discovery.js'

describe('solicitedNode()', () => {
  it('is the group of the last three bytes', () => {
    expect(solicitedNode('2001:db8::1:800:200e:8c6c').toString('hex')).toBe(
      'ff0200000000000000000001ff0e8c6c',
    )
    expect(solicitedNode('fd00::2').toString('hex')).toBe('ff0200000000000000000001ff000002')
  })
})
