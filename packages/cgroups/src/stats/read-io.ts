import type { GroupFolder } from '../group/group.js'
import { parseBlkio, parseIoStat, sumOf } from './parse-io.js'
import { parsePressure } from './pressure.js'
import type { StatsSource } from './source.js'
import type { IoDeviceStats, IoStats } from './stats.js'

/** Figures of `io`. */
export function readIoV2(source: StatsSource, home: GroupFolder): IoStats {
  const devices = parseIoStat(source.read(home, 'io.stat') ?? '')
  return { ...sumOf(devices), devices, pressure: parsePressure(source.read(home, 'io.pressure')) }
}

/**
 * Figures of `blkio`. Two parts of the kernel count, each in files of its own: throttling, of the devices that anybody
 * throttles (before Linux 6.10 of all), and the scheduler BFQ of those that it schedules.
 */
export function readIoV1(source: StatsSource, home: GroupFolder): IoStats {
  const devices: IoDeviceStats[] = []
  for (const files of filesV1) {
    const bytes = source.read(home, files.bytes)
    const ops = source.read(home, files.ops)
    for (const device of parseBlkio(bytes ?? '', ops ?? ''))
      if (!devices.some(({ major, minor }) => major === device.major && minor === device.minor))
        devices.push(device)
  }
  return { ...sumOf(devices), devices, pressure: undefined }
}
const filesV1 = ['blkio.throttle', 'blkio.bfq'].map((prefix) => ({
  bytes: `${prefix}.io_service_bytes_recursive`,
  ops: `${prefix}.io_serviced_recursive`,
}))
