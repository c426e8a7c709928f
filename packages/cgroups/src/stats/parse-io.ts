import type { IoCounts, IoDeviceStats } from './stats.js'

/** Counts of one device while it is put together. */
type Draft = { -readonly [Key in keyof IoCounts]: number }

const nothing: IoCounts = {
  readBytes: 0,
  writeBytes: 0,
  readOps: 0,
  writeOps: 0,
  discardBytes: 0,
  discardOps: 0,
}

/** Keys of `io.stat`. */
const keys = {
  rbytes: 'readBytes',
  wbytes: 'writeBytes',
  rios: 'readOps',
  wios: 'writeOps',
  dbytes: 'discardBytes',
  dios: 'discardOps',
} as const satisfies Record<string, keyof IoCounts>

/**
 * Reads v2 `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0` a line. Pure.
 *
 * @param text - The file. Devices without figures are left out.
 */
export function parseIoStat(text: string): IoDeviceStats[] {
  return [...text.matchAll(/^(\d+):(\d+) (.+)$/gm)].flatMap(([, major, minor, rest]) => {
    const counts: Draft = { ...nothing }
    let found = false
    for (const pair of rest!.split(' ')) {
      const [key, value] = pair.split('=')
      if (key === undefined || value === undefined || !Object.hasOwn(keys, key)) continue
      counts[keys[key as keyof typeof keys]] = Number(value)
      found = true
    }
    return found ? [{ major: Number(major), minor: Number(minor), ...counts, waitedFor: undefined }] : []
  })
}

/**
 * Reads a pair of v1 files of `blkio`: `8:0 Read 4096` a line. Pure.
 *
 * @param bytes - `io_service_bytes_recursive`.
 * @param ops - `io_serviced_recursive`.
 */
export function parseBlkio(bytes: string, ops: string): IoDeviceStats[] {
  const [inBytes, inOps] = [byDevice(bytes), byDevice(ops)]
  return [...new Set([...inBytes.keys(), ...inOps.keys()])].map((device) => {
    const [major, minor] = device.split(':').map(Number)
    const b = (kind: string): number => inBytes.get(device)?.get(kind) ?? 0
    const o = (kind: string): number => inOps.get(device)?.get(kind) ?? 0
    return {
      major: major!,
      minor: minor!,
      readBytes: b('Read'),
      writeBytes: b('Write'),
      readOps: o('Read'),
      writeOps: o('Write'),
      discardBytes: b('Discard'),
      discardOps: o('Discard'),
      waitedFor: {
        syncBytes: b('Sync'),
        asyncBytes: b('Async'),
        syncOps: o('Sync'),
        asyncOps: o('Async'),
      },
    }
  })
}

function byDevice(text: string): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>()
  for (const [, device, kind, value] of text.matchAll(/^(\d+:\d+) (\w+) (\d+)$/gm)) {
    let counts = found.get(device!)
    if (counts === undefined) found.set(device!, (counts = new Map<string, number>()))
    counts.set(kind!, Number(value))
  }
  return found
}

/** The sum over devices. Pure. */
export function sumOf(devices: readonly IoCounts[]): IoCounts {
  const sum: Draft = { ...nothing }
  for (const device of devices)
    for (const key of Object.keys(nothing) as (keyof IoCounts)[]) sum[key] += device[key]
  return sum
}
