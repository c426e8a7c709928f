import { checkInteger } from './check.js'
import { MAX_MAJOR, MAX_MINOR } from './device-rule.js'
import type { BlockDevice, BlockIoResources, ThrottleDevice } from './resources-block-io.js'
import type { Setting } from './setting.js'

/** The four limits: what v1 calls the file, and v2 the key in `io.max`. */
const throttles = [
  { list: 'throttleReadBpsDevice', file: 'blkio.throttle.read_bps_device', key: 'rbps' },
  { list: 'throttleWriteBpsDevice', file: 'blkio.throttle.write_bps_device', key: 'wbps' },
  { list: 'throttleReadIOPSDevice', file: 'blkio.throttle.read_iops_device', key: 'riops' },
  { list: 'throttleWriteIOPSDevice', file: 'blkio.throttle.write_iops_device', key: 'wiops' },
] as const

/** Settings of `blkio` and `io`. Pure. */
export function planBlockIo(blockIO: BlockIoResources, version: 1 | 2): Setting[] {
  const found: Setting[] = []
  const { weight, leafWeight, weightDevice = [] } = blockIO
  if (weight !== undefined) found.push(ofWeight('', checked(weight, 'weight'), version))
  if (leafWeight !== undefined) found.push(ofLeafWeight('', checked(leafWeight, 'leafWeight')))
  for (const [index, one] of weightDevice.entries()) {
    const what = `weightDevice[${index}]`
    const device = `${numbers(one, what)} `
    if (one.weight !== undefined) found.push(ofWeight(device, checked(one.weight, `${what}.weight`), version))
    if (one.leafWeight !== undefined)
      found.push(ofLeafWeight(device, checked(one.leafWeight, `${what}.leafWeight`)))
  }
  for (const { list, file, key } of throttles) {
    for (const [index, one] of (blockIO[list] ?? []).entries()) {
      const rate = checkedRate(one, `${list}[${index}]`)
      const device = numbers(one, `${list}[${index}]`)
      found.push(
        version === 1
          ? { controller: 'blkio', file, value: `${device} ${rate === 'max' ? 0 : rate}` }
          : { controller: 'io', file: 'io.max', value: `${device} ${key}=${rate}` },
      )
    }
  }
  return found
}

/** Which scheduler weighs is known only where the group is: the file that is there is the one. */
function ofWeight(device: string, weight: number, version: 1 | 2): Setting {
  if (version === 1) {
    const suffix = device === '' ? '' : '_device'
    const old: Setting = { controller: 'blkio', file: `blkio.weight${suffix}`, value: `${device}${weight}` }
    return {
      controller: 'blkio',
      file: `blkio.bfq.weight${suffix}`,
      value: `${device}${weight}`,
      otherwise: old,
    }
  }
  const stretched = 1 + Math.floor(((weight - 10) * 9999) / 990)
  return {
    controller: 'io',
    file: 'io.bfq.weight',
    value: `${device}${weight}`,
    otherwise: { controller: 'io', file: 'io.weight', value: `${device}${stretched}` },
  }
}

/** Also on v2 the name of the file, which no kernel has there, is the best explanation. */
function ofLeafWeight(device: string, weight: number): Setting {
  const file = device === '' ? 'blkio.leaf_weight' : 'blkio.leaf_weight_device'
  return { controller: 'blkio', file, value: `${device}${weight}` }
}

function checked(weight: number, what: string): number {
  checkInteger(`blockIO.${what}`, weight, 10, 1000)
  return weight
}

function checkedRate({ rate }: ThrottleDevice, what: string): number | 'max' {
  if (rate !== 'max') checkInteger(`blockIO.${what}.rate`, rate, 1, Number.MAX_SAFE_INTEGER)
  return rate
}

function numbers({ major, minor }: BlockDevice, what: string): string {
  checkInteger(`blockIO.${what}.major`, major, 0, MAX_MAJOR)
  checkInteger(`blockIO.${what}.minor`, minor, 0, MAX_MINOR)
  return `${major}:${minor}`
}
