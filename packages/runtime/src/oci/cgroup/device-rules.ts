import type { DeviceRule } from '@ctr/cgroups'
import type { ConfigDeviceRule } from '../config/config-resources.js'
import { invalidConfig } from '../config/invalid-config.js'

const allowed = (major: number, minor?: number): DeviceRule => ({
  allow: true,
  type: 'c',
  major,
  minor,
  access: 'rwm',
})

/**
 * What every container may use, whatever its config says: the nodes that the specification asks for, terminals, and
 * `/dev/net/tun`, which engines rely on. Making nodes is allowed, as opening them is what these rules are about.
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices}
 */
export const alwaysAllowed: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  allowed(1, 3), // null
  allowed(1, 5), // zero
  allowed(1, 7), // full
  allowed(1, 8), // random
  allowed(1, 9), // urandom
  allowed(5, 0), // tty
  allowed(5, 2), // ptmx
  allowed(136), // pseudo-terminals
  allowed(10, 200), // net/tun
]

/**
 * Rules of a container: nothing is allowed but what its config allows, in order, and {@link alwaysAllowed}.
 *
 * A rule for both kinds (`a`) about a single number or a single access is one rule for each kind; only without any
 * number and with all accesses is it about everything.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: an access without r, w and m.
 */
export function deviceRulesOf(rules: readonly ConfigDeviceRule[] = []): DeviceRule[] {
  const everything: DeviceRule = { allow: false, type: 'a', access: 'rwm' }
  return [everything, ...rules.flatMap(ofOne), ...alwaysAllowed]
}

function ofOne(
  { allow, type = 'a', major = -1, minor = -1, access = '' }: ConfigDeviceRule,
  index: number,
): DeviceRule[] {
  // letters that nobody knows are passed over, as configs in use have them
  const letters = ['r', 'w', 'm'].filter((letter) => access === '' || access.includes(letter)).join('')
  if (letters === '')
    throw invalidConfig(`resources.devices[${index}].access must have r, w or m, got ${access}`)
  const numbers = { major: major < 0 ? undefined : major, minor: minor < 0 ? undefined : minor }
  if (type !== 'a') return [{ allow, type, ...numbers, access: letters }]
  if (letters === 'rwm' && major < 0 && minor < 0) return [{ allow, type, access: letters }]
  return (['b', 'c'] as const).map((kind) => ({ allow, type: kind, ...numbers, access: letters }))
}
