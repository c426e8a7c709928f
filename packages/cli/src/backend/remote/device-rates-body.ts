import { deviceRates, type DeviceRateFlags } from '../../options/device-rate-flags.js'

/** How fast devices may be used, as members of `HostConfig`. */
export function deviceRatesBody(flags: DeviceRateFlags): Record<string, unknown> {
  const of = (kind: keyof DeviceRateFlags): readonly object[] | undefined =>
    deviceRates(flags, kind)?.map(({ path, rate }) => ({ Path: path, Rate: rate }))
  return {
    BlkioWeightDevice: deviceRates(flags, 'blkioWeightDevice')?.map(({ path, rate }) => ({
      ...{ Path: path, Weight: rate },
    })),
    BlkioDeviceReadBps: of('deviceReadBps'),
    BlkioDeviceReadIOps: of('deviceReadIops'),
    BlkioDeviceWriteBps: of('deviceWriteBps'),
    BlkioDeviceWriteIOps: of('deviceWriteIops'),
  }
}
