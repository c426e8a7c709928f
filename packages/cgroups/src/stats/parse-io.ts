import type { IoCounts, IoDeviceStats } from './stats.js'
import { endOfLine, wholeNumber } from './whole-number.js'

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
const keys = new Map<string, keyof IoCounts>([
  ['rbytes', 'readBytes'],
  ['wbytes', 'writeBytes'],
  ['rios', 'readOps'],
  ['wios', 'writeOps'],
  ['dbytes', 'discardBytes'],
  ['dios', 'discardOps'],
])

/**
 * Reads v2 `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0` a line. Pure.
 *
 * @param text - The file. Devices without figures are left out.
 */
export function parseIoStat(text: string): IoDeviceStats[] {
  const devices: IoDeviceStats[] = []
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start)
    const device = deviceAt(text, start, end)
    const counts = device && countsAt(text, device.end + 1, end)
    if (device && counts) {
      devices.push({ major: device.major, minor: device.minor, ...counts, waitedFor: undefined })
    }
    start = end + 1
  }
  return devices
}

/** Pairs such as `rbytes=1`; `undefined` when there are none. */
function countsAt(text: string, start: number, end: number): IoCounts | undefined {
  const counts: Draft = { ...nothing }
  let found = false
  for (let at = start; at < end;) {
    const space = text.indexOf(' ', at)
    const stop = space < 0 || space > end ? end : space
    const equals = text.indexOf('=', at)
    const key = equals > at && equals < stop ? keys.get(text.slice(at, equals)) : undefined
    const value = key === undefined ? NaN : wholeNumber(text, equals + 1, stop)
    if (key !== undefined && !Number.isNaN(value)) {
      counts[key] = value
      found = true
    }
    at = stop + 1
  }
  return found ? counts : undefined
}

/** What v1 counts of a device. */
interface Kinds {
  Read: number
  Write: number
  Discard: number
  Sync: number
  Async: number
}
const kinds = ['Read', 'Write', 'Discard', 'Sync', 'Async'] as const

/** A device of v1. */
interface BlkioDevice {
  readonly major: number
  readonly minor: number
  readonly bytes: Kinds
  readonly ops: Kinds
}

/**
 * Reads a pair of v1 files of `blkio`: `8:0 Read 4096` a line. Pure.
 *
 * @param bytes - `io_service_bytes_recursive`.
 * @param ops - `io_serviced_recursive`.
 */
export function parseBlkio(bytes: string, ops: string): IoDeviceStats[] {
  const devices: BlkioDevice[] = []
  addKinds(devices, 'bytes', bytes)
  addKinds(devices, 'ops', ops)
  return devices.map(({ major, minor, bytes: b, ops: o }) => ({
    major,
    minor,
    readBytes: b.Read,
    writeBytes: b.Write,
    readOps: o.Read,
    writeOps: o.Write,
    discardBytes: b.Discard,
    discardOps: o.Discard,
    waitedFor: { syncBytes: b.Sync, asyncBytes: b.Async, syncOps: o.Sync, asyncOps: o.Async },
  }))
}

function addKinds(devices: BlkioDevice[], unit: 'bytes' | 'ops', text: string): void {
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start)
    const found = deviceAt(text, start, end)
    if (found) {
      const space = text.indexOf(' ', found.end + 1)
      const kind = kinds.find((name) => text.startsWith(name, found.end + 1))
      const value = kind === undefined ? NaN : wholeNumber(text, space + 1, end)
      if (kind !== undefined && !Number.isNaN(value)) deviceIn(devices, found)[unit][kind] = value
    }
    start = end + 1
  }
}

function deviceIn(devices: BlkioDevice[], { major, minor }: DeviceNumber): BlkioDevice {
  const last = devices.at(-1) // a device has some lines, one behind the other
  const is = (device: BlkioDevice): boolean => device.major === major && device.minor === minor
  const known = last && is(last) ? last : devices.find(is)
  if (known) return known
  const none = (): Kinds => ({ Read: 0, Write: 0, Discard: 0, Sync: 0, Async: 0 })
  const device = { major, minor, bytes: none(), ops: none() }
  devices.push(device)
  return device
}

/** A device at the beginning of a line, and where its number ends. */
interface DeviceNumber {
  readonly major: number
  readonly minor: number
  readonly end: number
}

function deviceAt(text: string, start: number, lineEnd: number): DeviceNumber | undefined {
  const colon = text.indexOf(':', start)
  const end = text.indexOf(' ', start)
  if (colon < 0 || colon > end || end > lineEnd) return undefined
  const [major, minor] = [wholeNumber(text, start, colon), wholeNumber(text, colon + 1, end)]
  return Number.isNaN(major) || Number.isNaN(minor) ? undefined : { major, minor, end }
}

/** The sum over devices. Pure. */
export function sumOf(devices: readonly IoCounts[]): IoCounts {
  const sum: Draft = { ...nothing }
  for (const device of devices) {
    sum.readBytes += device.readBytes
    sum.writeBytes += device.writeBytes
    sum.readOps += device.readOps
    sum.writeOps += device.writeOps
    sum.discardBytes += device.discardBytes
    sum.discardOps += device.discardOps
  }
  return sum
}
