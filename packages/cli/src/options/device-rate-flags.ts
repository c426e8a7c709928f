import type { Command } from 'commander'
import { blockDevice, type RunOptions } from '@ctr/runtime'
import { usageError } from '../errors.js'
import { collect } from './collect.js'
import { parseInteger } from './parse-number.js'
import { parseSize } from './parse-size.js'

type List = readonly string[]

/** The flags of `run` and `create` that say how much of which device is used, as they were typed. */
export interface DeviceRateFlags {
  readonly blkioWeightDevice?: List
  readonly deviceReadBps?: List
  readonly deviceReadIops?: List
  readonly deviceWriteBps?: List
  readonly deviceWriteIops?: List
}

/** A device, and how much of it in a second; of weights, its weight. */
export interface DeviceRate {
  readonly path: string
  readonly rate: number
}

/** Each with its name in what the runtime takes. */
const kinds = {
  blkioWeightDevice: { option: '--blkio-weight-device', limit: 'weightDevice', read: parseInteger },
  deviceReadBps: { option: '--device-read-bps', limit: 'throttleReadBpsDevice', read: parseSize },
  deviceReadIops: { option: '--device-read-iops', limit: 'throttleReadIOPSDevice', read: parseInteger },
  deviceWriteBps: { option: '--device-write-bps', limit: 'throttleWriteBpsDevice', read: parseSize },
  deviceWriteIops: { option: '--device-write-iops', limit: 'throttleWriteIOPSDevice', read: parseInteger },
} as const

type Kind = keyof typeof kinds

/** Adds these flags to a command. */
export function addDeviceRateFlags(command: Command): void {
  command
    .option('--blkio-weight-device <list>', 'Block IO weight (relative device weight)', collect)
    .option('--device-read-bps <list>', 'Limit read rate (bytes per second) from a device', collect)
    .option('--device-read-iops <list>', 'Limit read rate (IO per second) from a device', collect)
    .option('--device-write-bps <list>', 'Limit write rate (bytes per second) to a device', collect)
    .option('--device-write-iops <list>', 'Limit write rate (IO per second) to a device', collect)
}

/** Reads one of them: `/dev/NAME:RATE`, or `/dev/NAME:WEIGHT`. Undefined where it is not given. */
export function deviceRates(flags: DeviceRateFlags, kind: Kind): readonly DeviceRate[] | undefined {
  const { option, read } = kinds[kind]
  return flags[kind]?.map((text) => {
    const [, path, rate] = /^(\/dev\/.+):([^:]+)$/.exec(text) ?? []
    if (path === undefined || rate === undefined)
      throw usageError(
        `invalid argument "${text}" for ${option}: /dev/NAME:${kind === 'blkioWeightDevice' ? 'WEIGHT' : 'RATE'} is needed`,
      )
    return { path, rate: read(rate, option) }
  })
}

/**
 * What the runtime of this machine is to run, with these limits: only here are the devices to be found.
 *
 * @throws `RuntimeError` `ERR_RUNTIME_INVALID_ARG`: there is no such block device.
 */
export function withDeviceRates(options: RunOptions, flags: DeviceRateFlags): RunOptions {
  const given = (Object.keys(kinds) as Kind[]).flatMap((kind) => {
    const rates = deviceRates(flags, kind)
    if (rates === undefined) return []
    const member = kind === 'blkioWeightDevice' ? 'weight' : 'rate'
    return [
      [kinds[kind].limit, rates.map(({ path, rate }) => ({ ...blockDevice(path), [member]: rate }))] as const,
    ]
  })
  if (given.length === 0) return options
  const { resources = {} } = options
  return {
    ...options,
    resources: { ...resources, blockIO: { ...resources.blockIO, ...Object.fromEntries(given) } },
  }
}
