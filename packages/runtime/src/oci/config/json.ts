import { invalidConfig } from './invalid-config.js'

/**
 * An integer of 64 bits in a config: a `number` when that holds it exactly, else a `bigint`. `String(value)` and
 * `BigInt(value)` work for both; compare with `<`, or after `BigInt()`, never with `===` alone.
 */
export type Integer64 = number | bigint

/** Largest text that is read, in UTF-16 units. Arguments and environment of a program cannot be larger. */
const LARGEST = 8 * 1024 * 1024

/** Strings, and numbers in any of JSON's forms. Only for text that is known to be JSON. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Begins the strings that stand for large integers. Nothing else in a config may hold a NUL. */
const LARGE = '\0'

/**
 * Reads JSON without losing digits: an integer that no `number` holds exactly comes back as a string of a NUL and its
 * digits, which {@link largeInteger} reads.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: not JSON, or more than 8 Mi characters.
 */
export function parseJson(text: string): unknown {
  if (text.length > LARGEST) {
    throw invalidConfig(`it must have at most ${LARGEST} characters, got ${text.length}`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalidConfig(`it is not JSON: ${(cause as Error).message}`, { cause })
  }
  if (!/\d{16}/.test(text)) return value
  return JSON.parse(text.replace(tokens, (token) => (losesDigits(token) ? `"\\u0000${token}"` : token)))
}

/** The integer that a value of {@link parseJson} stands for, or undefined. */
export function largeInteger(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !value.startsWith(LARGE)) return undefined
  const digits = value.slice(LARGE.length)
  return /^-?\d{16,20}$/.test(digits) ? BigInt(digits) : undefined
}

function losesDigits(token: string): boolean {
  return /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token))
}
