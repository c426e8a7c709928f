import type { LinuxSeccomp } from '../../seccomp/profile.js'
import {
  type Checker,
  absolutePath,
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
} from './check.js'
import { invalidConfig } from './invalid-config.js'
import { seccompActions, seccompArchitectures, seccompFlags, seccompOperators } from './seccomp-names.js'

/** The most that the low bits of a filter's result hold: `SECCOMP_RET_DATA`. */
export const errnoRet = integer(0, 0xffff)
/** What a rule does with a call. */
export const action = oneOf(seccompActions)

const syscallRule = object({
  names: list(name),
  action,
  errnoRet: optional(errnoRet),
  args: optional(
    list(
      object({
        index: integer(0, 5),
        value: uint64,
        valueTwo: optional(uint64),
        op: oneOf(seccompOperators),
      }),
    ),
  ),
})

const profile: Checker<LinuxSeccomp> = object({
  defaultAction: action,
  defaultErrnoRet: optional(errnoRet),
  architectures: optional(list(oneOf(seccompArchitectures))),
  flags: optional(list(oneOf(seccompFlags))),
  listenerPath: optionalText(absolutePath),
  listenerMetadata: optionalText(text),
  syscalls: optional(list(syscallRule)),
})

const emptyProfile = object({ defaultAction: optionalText(text), syscalls: optional(list(syscallRule)) })

/** A `seccomp` object; whether a filter can be made of it, the compiler says. One without a default action and rules means no filter, as engines write it. */
export const seccompChecker: Checker<LinuxSeccomp | undefined> = (value, path, warn) => {
  const { defaultAction, syscalls = [] } = emptyProfile(value, path, warn)
  if (defaultAction === undefined && syscalls.length === 0) return undefined
  const checked = profile(value, path, warn)
  if (checked.listenerMetadata !== undefined && checked.listenerPath === undefined) {
    throw invalidConfig(`${path}.listenerMetadata must not be set without ${path}.listenerPath`)
  }
  for (const [index, { names }] of (checked.syscalls ?? []).entries()) {
    if (names.length === 0) throw wrong(`${path}.syscalls[${index}].names`, 'at least one name', names)
  }
  return checked
}
