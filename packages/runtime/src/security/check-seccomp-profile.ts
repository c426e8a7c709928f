import { isRuntimeError, RuntimeError } from '../errors.js'
import {
  type Checker,
  integer,
  list,
  name,
  object,
  oneOf,
  optional,
  optionalText,
  text,
  uint64,
  wrong,
} from '../oci/config/check.js'
import { parseJson } from '../oci/config/json.js'
import { action, errnoRet } from '../oci/config/parse-seccomp.js'
import { seccompArchitectures, seccompFlags, seccompOperators } from '../oci/config/seccomp-names.js'
import type { SeccompProfile } from './seccomp-profile.js'

/** A number as it is kept in JSON: text where a `number` would lose digits. */
const exact: Checker<number | string> = (value, path, warn) => {
  const digits = typeof value === 'string' && /^\d{1,20}$/.test(value) ? parseJson(value) : value
  const checked = uint64(digits, path, warn)
  return typeof checked === 'bigint' ? String(checked) : checked
}

const release: Checker<string> = (value, path) => {
  if (typeof value !== 'string' || !/^\d{1,5}\.\d{1,5}$/.test(value))
    throw wrong(path, 'a release like 4.8', value)
  return value
}

const filter = object({
  caps: optional(list(name)),
  arches: optional(list(name)),
  minKernel: optionalText(release),
})

const rule = object({
  names: optional(list(name)),
  name: optionalText(name),
  action,
  errnoRet: optional(errnoRet),
  args: optional(
    list(
      object({
        index: integer(0, 5),
        value: exact,
        valueTwo: optional(exact),
        op: oneOf(seccompOperators),
      }),
    ),
  ),
  includes: optional(filter),
  excludes: optional(filter),
})

const profile = object({
  defaultAction: action,
  defaultErrnoRet: optional(errnoRet),
  architectures: optional(list(oneOf(seccompArchitectures))),
  archMap: optional(
    list(object({ architecture: oneOf(seccompArchitectures), subArchitectures: optional(list(text)) })),
  ),
  flags: optional(list(oneOf(seccompFlags))),
  syscalls: optional(list(rule)),
})

/**
 * Reads a seccomp profile from JSON, as Docker's files have it, without losing digits of large numbers.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: it is none; the message names the field.
 *
 * @example
 * const seccomp = parseSeccompProfile(readFileSync('profile.json', 'utf8'))
 * await runtime.run({ image: 'busybox', seccomp })
 */
export function parseSeccompProfile(json: string): SeccompProfile {
  return named(() => checked(parseJson(json)))
}

/**
 * Checks a seccomp profile that a program gives. What it does not know is left out.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`: the message names the field.
 */
export function checkSeccompProfile(value: unknown): SeccompProfile {
  return named(() => checked(value))
}

function checked(value: unknown): SeccompProfile {
  const found = profile(value, '', () => undefined)
  if (isFilled(found.architectures) && isFilled(found.archMap))
    throw wrong('archMap', 'unset where architectures is set', found.archMap)
  for (const [index, { name: one, names }] of (found.syscalls ?? []).entries()) {
    const path = `syscalls[${index}].names`
    if (one === undefined && !isFilled(names)) throw wrong(path, 'at least one name', names)
    if (one !== undefined && isFilled(names)) throw wrong(path, 'unset where name is set', names)
  }
  return found
}

function isFilled(values: readonly unknown[] | undefined): boolean {
  return values !== undefined && values.length > 0
}

function named(read: () => SeccompProfile): SeccompProfile {
  try {
    return read()
  } catch (cause) {
    if (!isRuntimeError(cause)) throw cause
    const what = cause.message.replace('cannot use the config: ', '')
    throw new RuntimeError('ERR_RUNTIME_SECCOMP', `cannot use the seccomp profile: ${what}`, { cause })
  }
}
