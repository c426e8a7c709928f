import { describe, expect, it } from '@jest/globals'
import { type Json, messageOf } from '../../../test/support/oci-config.js'
import { parseResources } from './parse-config.js'

describe('parseResources()', () => {
  it('reads what an update gives', () => {
    const resources = {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: -1, minor: 3, access: 'r' },
      ],
      memory: { limit: -1, disableOOMKiller: false },
      cpu: { shares: 1024, quota: -1, cpus: '0-1', idle: 1 },
      pids: { limit: 0 },
      blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] },
      rdma: { mlx5_0: { hcaHandles: 2 } },
      unified: { 'memory.max': '1', 'hugetlb.2MB.max': '2' },
    }
    const text = JSON.stringify({ ...resources, hugepageLimits: [{ pagesize: '2MB', limit: 1 }] })
    expect(parseResources(text)).toEqual({ ...resources, hugepageLimits: [{ pageSize: '2MB', limit: 1 }] })
  })

  it.each<[Json, string]>([
    [
      { memory: { limit: 'x' } },
      'resources.memory.limit must be an integer from -9223372036854775808 to 9223372036854775807, got "x"',
    ],
    [{ memory: { limit: 1e19 } }, 'resources.memory.limit must be an integer'],
    [
      { devices: [{ allow: true, access: 'x' }] },
      'resources.devices[0].access must be some of the letters r, w and m, got "x"',
    ],
    [{ devices: [{}] }, 'resources.devices[0].allow must be set: true or false'],
    [
      { unified: { 'NOT-A-VALID-KEY': '' } },
      'the specified key has not the form CONTROLLER.VALUE `NOT-A-VALID-KEY`',
    ],
    [{ unified: { '../x.max': '' } }, 'the specified key has not the form CONTROLLER.VALUE `../x.max`'],
    [
      { hugepageLimits: [{ limit: 1 }] },
      'resources.hugepageLimits[0].pageSize must be set: a size such as 64KB, 2MB or 1GB',
    ],
    [{ cpu: { cpus: '0\n1' } }, 'resources.cpu.cpus must be one line of text, got "0\\n1"'],
  ])('refuses %j: %s', (resources, message) => {
    expect(messageOf(() => parseResources(JSON.stringify(resources)))).toContain(message)
  })
})
