import type { IoStats } from './stats.js'

/**
 * Adds up v2 `io.stat` over all devices: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. Pure.
 *
 * @param text - The file.
 */
export function parseIoStat(text: string): IoStats {
  const sum = { readBytes: 0, writeBytes: 0, readOps: 0, writeOps: 0 }
  const names = { rbytes: 'readBytes', wbytes: 'writeBytes', rios: 'readOps', wios: 'writeOps' } as const
  for (const [, name, value] of text.matchAll(/\b(rbytes|wbytes|rios|wios)=(\d+)/g)) {
    sum[names[name as keyof typeof names]] += Number(value)
  }
  return sum
}

/**
 * Adds up the v1 files of `blkio.throttle` over all devices: `8:0 Read 4096`. Pure.
 *
 * @param bytes - `io_service_bytes`.
 * @param ops - `io_serviced`.
 */
export function parseBlkio(bytes: string, ops: string): IoStats {
  return {
    readBytes: total(bytes, 'Read'),
    writeBytes: total(bytes, 'Write'),
    readOps: total(ops, 'Read'),
    writeOps: total(ops, 'Write'),
  }
}

function total(text: string, kind: 'Read' | 'Write'): number {
  let sum = 0
  for (const [, name, value] of text.matchAll(/^\d+:\d+ (\w+) (\d+)$/gm))
    if (name === kind) sum += Number(value)
  return sum
}
