import { CgroupError } from '../errors.js'
import { checkInteger, invalid } from './check.js'
import type { DeviceRule } from './resources.js'
import type { Setting } from './setting.js'

/** Largest major and minor numbers of Linux: 12 and 20 bits. */
const MAX_MAJOR = 2 ** 12 - 1
const MAX_MINOR = 2 ** 20 - 1

/** Settings of v1 `devices`, one a rule. Pure. */
export function planDevices(rules: readonly DeviceRule[], version: 1 | 2): Setting[] {
  if (version === 2)
    throw new CgroupError(
      'ERR_CGROUP_UNSUPPORTED',
      'cannot use devices: on v2 device rules are an eBPF program, which this version of the package does not write yet',
    )
  return rules.map((rule, index) => ({
    controller: 'devices',
    file: rule.allow ? 'devices.allow' : 'devices.deny',
    value: text(rule, `devices[${index}]`),
  }))
}

function text({ type, major, minor, access }: DeviceRule, what: string): string {
  if (!/^(?!.*(.).*\1)[rwm]{1,3}$/.test(access))
    throw invalid(`${what}.access`, 'any of r, w and m, each once', access)
  if (type === 'a') {
    if (major !== undefined || minor !== undefined || access.length !== 3)
      throw invalid(
        what,
        "without major and minor and with access 'rwm', as type 'a' is about everything",
        access,
      )
    return 'a *:* rwm'
  }
  if ((type as string) !== 'b' && (type as string) !== 'c')
    throw invalid(`${what}.type`, "'a', 'b' or 'c'", type)
  if (major !== undefined) checkInteger(`${what}.major`, major, 0, MAX_MAJOR)
  if (minor !== undefined) checkInteger(`${what}.minor`, minor, 0, MAX_MINOR)
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`
}
