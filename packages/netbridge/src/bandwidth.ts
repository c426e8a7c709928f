import { NetbridgeError } from './errors.js'

/**
 * How fast a container may send and receive, as the CNI capability `bandwidth` says it: in **bits**, seen from the
 * container. What has no rate has no limit.
 */
export interface Bandwidth {
  /** Bits per second that it receives. */
  readonly ingressRate?: number | undefined
  /** Bits that it may receive at once after a pause. Default 10 ms worth of the rate, at least 64 KiB. */
  readonly ingressBurst?: number | undefined
  /** Bits per second that it sends. */
  readonly egressRate?: number | undefined
  /** Bits that it may send at once after a pause. Default 10 ms worth of the rate, at least 64 KiB. */
  readonly egressBurst?: number | undefined
}

/** One direction, in bytes, as the kernel counts. */
export interface RateLimit {
  /** Bytes per second. */
  readonly rate: number
  /** Bytes. */
  readonly burst: number
}

/** Both directions; undefined is no limit. */
export interface BandwidthLimits {
  readonly ingress: RateLimit | undefined
  readonly egress: RateLimit | undefined
}

/** No whole packet fits into less, and nothing would pass. */
const LEAST_BURST_BITS = 2048 * 8
const MOST_BURST_BITS = (2 ** 32 - 1) * 8
const LEAST_RATE_BITS = 8
const MOST_RATE_BITS = 1e15
const DEFAULT_BURST_BITS = 64 * 1024 * 8

/**
 * Checks limits.
 *
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function checkBandwidth({
  ingressRate,
  ingressBurst,
  egressRate,
  egressBurst,
}: Bandwidth): BandwidthLimits {
  return {
    ingress: checkDirection('ingress', ingressRate, ingressBurst),
    egress: checkDirection('egress', egressRate, egressBurst),
  }
}

/** Limits as they are kept: undefined when there are none. */
export function limitsOf(bandwidth: Bandwidth | undefined): Bandwidth | undefined {
  const { ingress, egress } = checkBandwidth(bandwidth ?? {})
  return ingress === undefined && egress === undefined ? undefined : bandwidth
}

function checkDirection(
  direction: string,
  rate: number | undefined,
  burst: number | undefined,
): RateLimit | undefined {
  if (rate === undefined) {
    if (burst !== undefined) throw invalid(`${direction}Burst without ${direction}Rate: name both`)
    return undefined
  }
  if (!(Number.isFinite(rate) && rate >= LEAST_RATE_BITS && rate <= MOST_RATE_BITS))
    throw invalid(
      `${String(rate)} as ${direction}Rate: it must be ${LEAST_RATE_BITS} to 1e15 bits per second`,
    )
  const most = Math.max(DEFAULT_BURST_BITS, rate / 100)
  const bits = burst ?? Math.min(most, MOST_BURST_BITS)
  if (!(Number.isFinite(bits) && bits >= LEAST_BURST_BITS && bits <= MOST_BURST_BITS))
    throw invalid(
      `${String(burst)} as ${direction}Burst: it must be ${LEAST_BURST_BITS} to ${MOST_BURST_BITS} bits`,
    )
  return { rate: Math.floor(rate / 8), burst: Math.floor(bits / 8) }
}

function invalid(why: string): NetbridgeError {
  return new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', `cannot limit bandwidth to ${why}`)
}
