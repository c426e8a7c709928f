import { describe, expect, it } from '@jest/globals'
import { throughMap } from './idmap.js'

const mount = { destination: '/mnt' }
const container = [
  { containerID: 0, hostID: 1000, size: 10 },
  { containerID: 10, hostID: 5000, size: 10 },
]

describe('throughMap', () => {
  it("takes ids of the container's user namespace to the host's, range by range", () => {
    expect(throughMap({ containerID: 100, hostID: 8, size: 5 }, container, mount)).toEqual([
      { inside: 100, outside: 1008, size: 2 },
      { inside: 102, outside: 5000, size: 3 },
    ])
  })

  it('refuses ids that the namespace does not have', () => {
    expect(() => throughMap({ containerID: 0, hostID: 18, size: 5 }, container, mount)).toThrow(
      'cannot map the ids of the mount at /mnt: id 20 is not mapped',
    )
  })
})
