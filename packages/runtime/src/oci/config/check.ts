import type { RuntimeError } from '../../errors.js'
import { invalidConfig, shown } from './invalid-config.js'
import { type Integer64, largeInteger } from './json.js'

/** Takes what is to be told to the user although the config is used. */
export type Warn = (message: string) => void

/**
 * Turns a value of a config, undefined when it is unset, into what its field must hold, or throws an error that names
 * the field `path`.
 */
export type Checker<T> = (value: unknown, path: string, warn: Warn) => T

type Fields = Readonly<Record<string, Checker<unknown>>>

type OptionalNames<F extends Fields> = {
  [K in keyof F]: undefined extends ReturnType<F[K]> ? K : never
}[keyof F]

/** What {@link object} makes of fields. */
export type Checked<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalNames<F>>]: ReturnType<F[K]>
} & { readonly [K in OptionalNames<F>]?: ReturnType<F[K]> }

/** Error of a field that holds something else than it must. */
export function wrong(path: string, must: string, value: unknown): RuntimeError {
  const name = path === '' ? 'it' : path
  return invalidConfig(
    value === undefined ? `${name} must be set: ${must}` : `${name} must be ${must}, got ${describe(value)}`,
  )
}

function describe(value: unknown): string {
  const large = largeInteger(value)
  if (large !== undefined) return String(large)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'string') return shown(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** A field that may be unset. */
export function optional<T>(checker: Checker<T>): Checker<T | undefined> {
  return (value, path, warn) => (value === undefined ? undefined : checker(value, path, warn))
}

/** A field of text that may be unset, which an empty string means too. */
export function optionalText<T extends string>(checker: Checker<T>): Checker<T | undefined> {
  return (value, path, warn) => (value === undefined || value === '' ? undefined : checker(value, path, warn))
}

/** A field that is something else when it is unset. */
export function withDefault<T>(checker: Checker<T>, otherwise: T): Checker<T> {
  return (value, path, warn) => (value === undefined ? otherwise : checker(value, path, warn))
}

/** An object with known fields. Others are left out; `null` is unset; unset fields are no properties of the result. */
export function object<F extends Fields>(fields: F): Checker<Checked<F>> {
  const names = Object.keys(fields)
  return (value, path, warn) => {
    const found = properties(value, path)
    const result: Record<string, unknown> = {}
    for (const name of names) {
      const checked = fields[name]!(found[name] ?? undefined, join(path, name), warn)
      if (checked !== undefined) result[name] = checked
    }
    return result as Checked<F>
  }
}

/** An object of any names. */
export function record<T>(
  checker: Checker<T>,
  checkName?: (name: string, path: string, warn: Warn) => unknown,
): Checker<Readonly<Record<string, T>>> {
  return (value, path, warn) => {
    const entries = Object.entries(properties(value, path))
    // made of entries, so that "__proto__" is a name like others
    return Object.fromEntries(
      entries.map(([name, one]) => {
        const at = `${path}[${shown(name)}]`
        if (name === '' || name.includes('\0')) throw wrong(at, 'named by text without NUL', name)
        checkName?.(name, at, warn)
        return [name, checker(one ?? undefined, at, warn)]
      }),
    )
  }
}

export function list<T>(checker: Checker<T>): Checker<readonly T[]> {
  return (value, path, warn) => {
    if (!Array.isArray(value)) throw wrong(path, 'a list', value)
    return value.map((one: unknown, index) => checker(one ?? undefined, `${path}[${index}]`, warn))
  }
}

/** Any text that the kernel can take: without NUL. */
export const text: Checker<string> = (value, path) => {
  if (typeof value !== 'string') throw wrong(path, 'text', value)
  if (value.includes('\0')) throw wrong(path, 'text without NUL', value)
  return value
}

/** Text that is not empty. */
export const name: Checker<string> = (value, path, warn) => {
  if (value === '') throw wrong(path, 'text that is not empty', value)
  return text(value, path, warn)
}

/** Text of one line, for files of the kernel that read several. */
export const line: Checker<string> = (value, path, warn) => {
  const checked = name(value, path, warn)
  if (checked.includes('\n')) throw wrong(path, 'one line of text', checked)
  return checked
}

export const absolutePath: Checker<string> = (value, path, warn) => {
  if (typeof value !== 'string' || !value.startsWith('/')) throw wrong(path, 'an absolute path', value)
  return text(value, path, warn)
}

/** `NAME=value` of an environment. Errors do not show it, as it may be secret. */
export const variable: Checker<string> = (value, path) => {
  if (typeof value !== 'string' || value.indexOf('=') < 1 || value.includes('\0')) {
    throw invalidConfig(`${path} must be text like NAME=value, without NUL`)
  }
  return value
}

export const flag: Checker<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false', value)
  return value
}

export function oneOf<const T extends string>(values: readonly T[]): Checker<T> {
  const known: ReadonlySet<unknown> = new Set(values)
  return (value, path) => {
    if (!known.has(value)) throw wrong(path, `one of ${values.join(', ')}`, value)
    return value as T
  }
}

export function integer(least: number, most: number): Checker<number> {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
      throw wrong(path, `an integer from ${least} to ${most}`, value)
    }
    return value as number
  }
}

function integer64(least: bigint, most: bigint): Checker<Integer64> {
  return (value, path) => {
    const exact = Number.isSafeInteger(value) ? (value as number) : largeInteger(value)
    if (exact === undefined || exact < least || exact > most) {
      throw wrong(path, `an integer from ${least} to ${most}`, value)
    }
    return exact
  }
}

export const int64 = integer64(-(2n ** 63n), 2n ** 63n - 1n)
export const uint64 = integer64(0n, 2n ** 64n - 1n)
export const uint32 = integer(0, 0xffff_ffff)
export const uint16 = integer(0, 0xffff)

function properties(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(path, 'an object', value)
  return value as Record<string, unknown>
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
