import { CgroupError } from '../errors.js'
import { accessLetters, checkDeviceRule, deviceText, everything } from './device-rule.js'
import type { DeviceRule } from './resources.js'
import type { Setting } from './setting.js'

/** What rules come to: what holds in general, and the exceptions from it, each device once. */
export interface DeviceTable {
  readonly allow: boolean
  readonly exceptions: readonly DeviceRule[]
}

/**
 * Settings of v1 `devices`: first what holds in general, which forgets all earlier exceptions, then the exceptions.
 * Pure.
 *
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: a rule of a bad shape; `ERR_CGROUP_UNSUPPORTED`: rules that
 *   v1 cannot express, as it ignores exceptions from exceptions.
 */
export function planDevices(rules: readonly DeviceRule[]): Setting[] {
  return writes(deviceTable(rules))
}

/** {@link planDevices}, as what holds in general and single exceptions. Pure. */
export function deviceTable(rules: readonly DeviceRule[]): DeviceTable {
  let allow = false
  const exceptions = new Map<string, DeviceRule>()
  for (const [index, rule] of rules.entries()) {
    checkDeviceRule(rule, index)
    if (rule.type === 'a') {
      allow = rule.allow
      exceptions.clear()
    } else if (rule.allow === allow) {
      takeBack(exceptions, rule, index)
    } else {
      const known = exceptions.get(key(rule))
      exceptions.set(key(rule), { ...rule, access: union(known?.access ?? '', rule.access) })
    }
  }
  return { allow, exceptions: [...exceptions.values()] }
}

/**
 * What leads from the rules that a v1 group has to others, without a moment in which more or less is allowed than
 * before and after. Pure.
 *
 * @param list - `devices.list` now: what is allowed.
 */
export function planDeviceChange(rules: readonly DeviceRule[], list: string): Setting[] {
  const target = deviceTable(rules)
  const now = parseList(list)
  // the file of a group in which everything is allowed in general does not show its exceptions
  if (now === undefined || target.allow) return writes(target)
  const wanted = new Map(target.exceptions.map((rule) => [key(rule), rule]))
  const change = (
    from: ReadonlyMap<string, DeviceRule>,
    to: ReadonlyMap<string, DeviceRule>,
    allow: boolean,
  ) =>
    [...from.values()].flatMap((rule) => {
      const access = without(rule.access, to.get(key(rule))?.access ?? '')
      return access === '' ? [] : [setting({ ...rule, access, allow })]
    })
  return [...change(wanted, now, true), ...change(now, wanted, false)]
}

function writes({ allow, exceptions }: DeviceTable): Setting[] {
  const general: DeviceRule = { allow, type: 'a', access: 'rwm' }
  return [general, ...exceptions].map(setting)
}

function setting(rule: DeviceRule): Setting {
  return {
    controller: 'devices',
    file: rule.allow ? 'devices.allow' : 'devices.deny',
    value: deviceText(rule),
  }
}

/** Takes accesses out of exceptions; what is a part of a wider exception v1 would ignore, silently. */
function takeBack(exceptions: Map<string, DeviceRule>, rule: DeviceRule, index: number): void {
  const { type, major, minor } = rule
  const wider = [{ type }, { type, major }, { type, minor }]
    .map((one) => exceptions.get(key(one)))
    .find((one) => one !== undefined && key(one) !== key(rule) && common(one.access, rule.access))
  if (wider)
    throw new CgroupError(
      'ERR_CGROUP_UNSUPPORTED',
      `cannot use devices[${index}] (${deviceText(rule)}): on v1 nothing can be taken out of the wider rule ${deviceText(wider)}`,
    )
  for (const [name, one] of exceptions) {
    if (!covers(rule, one)) continue
    const access = without(one.access, rule.access)
    if (access === '') exceptions.delete(name)
    else exceptions.set(name, { ...one, access })
  }
}

/** True when every device of `rule` is one of `wide`. */
function covers(wide: DeviceRule, rule: DeviceRule): boolean {
  const within = (all: number | undefined, one: number | undefined) => all === undefined || all === one
  return wide.type === rule.type && within(wide.major, rule.major) && within(wide.minor, rule.minor)
}

/** The exceptions of a group in which nothing is allowed in general, `undefined` of another. */
function parseList(list: string): Map<string, DeviceRule> | undefined {
  const found = new Map<string, DeviceRule>()
  for (const line of list.split('\n').filter(Boolean)) {
    if (line === everything) return undefined
    const match = /^([bc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line)
    if (!match) return undefined
    const number = (text: string) => (text === '*' ? undefined : Number(text))
    const rule: DeviceRule = {
      allow: true,
      type: match[1] as 'b' | 'c',
      major: number(match[2]!),
      minor: number(match[3]!),
      access: match[4]!,
    }
    found.set(key(rule), rule)
  }
  return found
}

function key({ type, major, minor }: Pick<DeviceRule, 'type' | 'major' | 'minor'>): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'}`
}

function union(a: string, b: string): string {
  return accessLetters.filter((one) => a.includes(one) || b.includes(one)).join('')
}

function without(a: string, b: string): string {
  return accessLetters.filter((one) => a.includes(one) && !b.includes(one)).join('')
}

function common(a: string, b: string): boolean {
  return accessLetters.some((one) => a.includes(one) && b.includes(one))
}
