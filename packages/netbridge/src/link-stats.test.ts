import { describe, expect, it } from '@jest/globals'
import { parseNetDev } from './link-stats.js'

const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  112   2    0    0    0     0          0         0      112       2    0    0    0     0       0          0
  eth0: 4294967301     30    1    2    0     0          0         0     1626      21    3    4    0     0       0          0
a:b:1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
__proto__:7 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0
half: 1 2 3
`

describe('parseNetDev()', () => {
  it('reads all but lo, whatever names a container has given its interfaces', () => {
    const stats = parseNetDev(text)
    expect(Object.keys(stats)).toEqual(['eth0', 'a:b', '__proto__'])
    expect(stats['eth0']).toEqual({
      ...{ rxBytes: 4294967301, rxPackets: 30, rxErrors: 1, rxDropped: 2 },
      ...{ txBytes: 1626, txPackets: 21, txErrors: 3, txDropped: 4 },
    })
    expect(Object.entries(stats)[2]![1]).toMatchObject({ rxBytes: 7, txBytes: 8 })
  })

  it('is nothing of nothing', () => {
    expect(parseNetDev('')).toEqual({})
  })
})
