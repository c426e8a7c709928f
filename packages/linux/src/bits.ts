/**
 * Bit arithmetic beyond 32 bits, where JavaScript's own operators end: clone flags have 34, and bit 31 of a
 * 32-bit number would turn it negative.
 */

/** True when `value` has all of `bits`. */
export function hasBits(value: number, bits: number): boolean {
  if (isSmall(value) && isSmall(bits)) return (value & bits) === bits
  return (BigInt(value) & BigInt(bits)) === BigInt(bits)
}

/** `value` with `bits` set, whether it had them before or not. */
export function withBits(value: number, bits: number): number {
  if (isSmall(value) && isSmall(bits)) return value | bits
  return Number(BigInt(value) | BigInt(bits))
}

/** True for what JavaScript's own operators, which are much faster, take as it is. */
function isSmall(value: number): boolean {
  return value === (value | 0) && value >= 0
}
