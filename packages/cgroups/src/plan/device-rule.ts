import { checkInteger, invalid } from './check.js'
import type { DeviceRule } from './resources.js'

/** Largest major and minor numbers of Linux: 12 and 20 bits. */
export const MAX_MAJOR = 2 ** 12 - 1
export const MAX_MINOR = 2 ** 20 - 1

/** The letters of an access, in the order in which they are written. */
export const accessLetters = ['r', 'w', 'm'] as const

/** Throws unless `rules[index]` is of the documented shape. */
export function checkDeviceRule({ type, major, minor, access }: DeviceRule, index: number): void {
  const what = `devices[${index}]`
  if (!/^(?!.*(.).*\1)[rwm]{1,3}$/.test(access))
    throw invalid(`${what}.access`, 'any of r, w and m, each once', access)
  if (type === 'a') {
    if (major !== undefined || minor !== undefined || access.length !== 3)
      throw invalid(
        what,
        "without major and minor and with access 'rwm', as type 'a' is about everything",
        access,
      )
    return
  }
  if ((type as string) !== 'b' && (type as string) !== 'c')
    throw invalid(`${what}.type`, "'a', 'b' or 'c'", type)
  if (major !== undefined) checkInteger(`${what}.major`, major, 0, MAX_MAJOR)
  if (minor !== undefined) checkInteger(`${what}.minor`, minor, 0, MAX_MINOR)
}

/** What is left of a rule about everything, as v1 writes it. */
export const everything = 'a *:* rwm'

/** A rule as v1 writes it: `c 1:3 rwm`. */
export function deviceText({ type, major, minor, access }: DeviceRule): string {
  return type === 'a' ? everything : `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`
}
