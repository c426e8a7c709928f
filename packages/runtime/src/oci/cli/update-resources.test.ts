import { describe, expect, it } from '@jest/globals'
import { parseOptions } from './options.js'
import { updateOptions, updateResources } from './update-resources.js'

const read = (...argv: readonly string[]): unknown =>
  JSON.parse(
    JSON.stringify(updateResources(parseOptions(updateOptions, argv).values), (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  )

describe('updateResources()', () => {
  it('has only what is given', () => {
    expect(read()).toEqual({ memory: {}, cpu: {} })
    expect(read('--pids-limit', '0', '--blkio-weight=0', '--memory', '')).toEqual({ memory: {}, cpu: {} })
  })

  it('reads every limit', () => {
    expect(
      read(
        ...[
          '--blkio-weight',
          '500',
          '--cpu-period',
          '50000',
          '--cpu-quota',
          '-1',
          '--cpu-burst=0',
          '--cpu-share',
          '512',
        ],
        ...[
          '--cpu-rt-period',
          '1000',
          '--cpu-rt-runtime',
          '950',
          '--cpuset-cpus',
          '0-1',
          '--cpuset-mems=0',
          '--cpu-idle',
          '1',
        ],
        ...[
          '--memory',
          '64m',
          '--memory-reservation',
          '33554432',
          '--memory-swap',
          '-1',
          '--pids-limit',
          '-1',
        ],
        ...['--kernel-memory', '1', '--kernel-memory-tcp', '2'],
      ),
    ).toEqual({
      blockIO: { weight: 500 },
      cpu: {
        period: 50000,
        quota: -1,
        burst: 0,
        shares: 512,
        realtimePeriod: 1000,
        realtimeRuntime: 950,
        cpus: '0-1',
        mems: '0',
        idle: 1,
      },
      memory: { limit: 67108864, reservation: 33554432, swap: -1, kernel: 1, kernelTCP: 2 },
      pids: { limit: -1 },
    })
    expect(read('--cpu-share', '18446744073709551615')).toMatchObject({
      cpu: { shares: '18446744073709551615' },
    })
  })

  it.each([
    ['--cpu-period', '-1'],
    ['--cpu-quota', 'x'],
    ['--cpu-idle', '2'],
    ['--memory', '1z'],
    ['--blkio-weight', '1001'],
    ['--pids-limit', '1.5'],
  ])('refuses %s %s', (name, value) => {
    expect(() => read(name, value)).toThrow(`invalid value for ${name.slice(2)}: must be`)
  })
})
