import type { TimeOffsets } from '@ctr/namespaces'
import type { ConfigLinux, ConfigTimeOffset } from '../config/config.js'

const BILLION = 1_000_000_000n

/** Offsets of a config as `spawn` takes them. */
export function timeOffsetsOf(offsets: NonNullable<ConfigLinux['timeOffsets']>): TimeOffsets {
  return { monotonicNs: inNs(offsets.monotonic), boottimeNs: inNs(offsets.boottime) }
}

function inNs(offset: ConfigTimeOffset | undefined): bigint | undefined {
  return offset && BigInt(offset.secs ?? 0) * BILLION + BigInt(offset.nanosecs ?? 0)
}
