import { writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { readOomKills } from './read-memory.js'
import { readStats } from './read-stats.js'

describe('readStats() of v2', () => {
  it('reads every figure from the files of one folder', () => {
    using folder = temporaryFolder('ctr-cgroups-')
    const files = {
      'cpu.stat':
        'usage_usec 900\nuser_usec 600\nsystem_usec 300\nnr_periods 9\nnr_throttled 4\nthrottled_usec 77\nnr_bursts 0\n',
      'memory.current': '8192\n',
      'memory.peak': '16384\n',
      'memory.max': '67108864\n',
      'memory.stat': 'anon 4096\nfile 2048\nkernel 99\ninactive_file 1024\n',
      'memory.events': 'low 0\nhigh 0\nmax 5\noom 2\noom_kill 3\noom_group_kill 0\n',
      'memory.swap.current': '512\n',
      'memory.swap.max': 'max\n',
      'pids.current': '3\n',
      'pids.max': '64\n',
      'pids.events': 'max 6\n',
      'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(`${folder.path}/${name}`, text)
    const mount = {
      version: 2,
      controllers: ['cpu', 'memory', 'pids', 'io'],
      name: undefined,
      mountpoint: folder.path,
      ownPath: '/',
    } as const
    const group = { path: '/x', folders: [{ mount, folder: folder.path }] }
    expect(readStats(group)).toEqual({
      cpu: {
        usageUsec: 900,
        userUsec: 600,
        systemUsec: 300,
        throttling: { periods: 9, throttledPeriods: 4, throttledUsec: 77 },
      },
      memory: {
        usage: 8192,
        peak: 16384,
        limit: 67_108_864,
        anon: 4096,
        file: 2048,
        inactiveFile: 1024,
        swap: { usage: 512, limit: 'max' },
        limitHits: 5,
        oomKills: 3,
      },
      pids: { current: 3, limit: 64, limitHits: 6 },
      io: { readBytes: 1, writeBytes: 2, readOps: 3, writeOps: 4 },
    })
    expect(readOomKills(group)).toBe(3)
  })
})
