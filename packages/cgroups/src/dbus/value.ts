/**
 * A value of D-Bus: numbers up to 32 bits and doubles are numbers, those of 64 bits bigints, `ay` is bytes, other
 * arrays and structs are arrays, and a dictionary is an array of pairs.
 */
export type Value = number | bigint | boolean | string | Uint8Array | readonly Value[] | Variant

/** A value with its type. */
export interface Variant {
  readonly signature: string
  readonly value: Value
}

/** Narrows to a {@link Variant}. */
export function isVariant(value: Value | undefined): value is Variant {
  return typeof value === 'object' && 'signature' in value
}
