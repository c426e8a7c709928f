import type { Variant } from '../dbus/value.js'
import { parseCpuList } from '../plan/parse-cpu-list.js'

/**
 * A property of a unit as systemd has it on D-Bus: name, type and value. Numbers of 64 bits are bigints, `ay` is bytes,
 * arrays and structs are arrays.
 *
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html}
 */
export interface UnitProperty extends Variant {
  /** As `MemoryMax`. */
  readonly name: string
}

/** systemd's word for no limit, in numbers of 64 bits. */
const INFINITY = 2n ** 64n - 1n

/** The version of systemd from which a weight of 0 is `cpu.idle`. */
export const IDLE_SINCE = 252

/** A number of 64 bits. */
export function amount(name: string, value: number | 'max'): UnitProperty {
  return { name, signature: 't', value: value === 'max' ? INFINITY : BigInt(value) }
}

/** A list of numbers as the bits of bytes, the lowest first. */
export function bits(name: string, list: string): UnitProperty {
  const numbers = parseCpuList(list, name)
  const bytes = new Uint8Array(numbers.length === 0 ? 0 : (numbers.at(-1)! >> 3) + 1)
  for (const number of numbers) bytes[number >> 3]! |= 1 << (number & 7)
  return { name, signature: 'ay', value: bytes }
}
