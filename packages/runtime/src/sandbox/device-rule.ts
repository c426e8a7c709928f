import type { DeviceRule } from '@ctr/cgroups'
import { RuntimeError } from '../errors.js'

/**
 * Reads a rule for access to devices, as v1's `devices.allow` takes it: `c 13:* rwm`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function parseDeviceRule(text: string): DeviceRule {
  const [, type, major, minor, access] = /^([acb]) (\d{1,7}|\*):(\d{1,7}|\*) ([rwm]{1,3})$/.exec(text) ?? []
  if (type === undefined || access === undefined) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot use the device rule ${JSON.stringify(text)}: it must be like "c 13:* rwm"`,
    )
  }
  const number = (digits: string | undefined): number | undefined =>
    digits === '*' || type === 'a' ? undefined : Number(digits)
  return { allow: true, type: type as DeviceRule['type'], major: number(major), minor: number(minor), access }
}
