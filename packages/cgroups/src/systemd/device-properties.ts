import { deviceTable } from '../plan/plan-devices.js'
import type { DeviceRule } from '../plan/resources.js'
import type { UnitProperty } from './unit-property.js'

/**
 * Says device rules in properties of a unit. systemd has a list of what is allowed, and knows a device by both numbers,
 * or all of a major number, or all of a kind: a rule that is narrower than that is said wider, and rules that only v2's
 * program can keep (what is allowed but for exceptions) are no rules to systemd. The group's own files or program, which
 * are there beside those of systemd, keep to the rules exactly. Pure.
 */
export function deviceProperties(rules: readonly DeviceRule[]): UnitProperty[] {
  const table = tableOf(rules)
  const allowed = table?.allow === false ? table.exceptions.map(entryOf) : []
  const policy = table?.allow === false ? 'strict' : 'auto'
  return [
    { name: 'DevicePolicy', signature: 's', value: policy },
    { name: 'DeviceAllow', signature: 'a(ss)', value: [] }, // forgets an earlier list
    ...(allowed.length === 0 ? [] : [{ name: 'DeviceAllow', signature: 'a(ss)', value: allowed }]),
  ]
}

/** Undefined for rules that cannot be made one list. */
function tableOf(rules: readonly DeviceRule[]) {
  try {
    return deviceTable(rules)
  } catch {
    return undefined // checked before: exceptions from exceptions, which v2 alone has
  }
}

function entryOf({ type, major, minor, access }: DeviceRule): readonly [string, string] {
  const kind = type === 'b' ? 'block' : 'char'
  if (major === undefined) return [`${kind}-*`, access]
  if (minor === undefined) return [`${kind}-${major}`, access]
  return [`/dev/${kind}/${major}:${minor}`, access]
}
