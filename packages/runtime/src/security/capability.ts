import { RuntimeError } from '../errors.js'

const names = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const

/** Name of a capability of capabilities(7). */
export type Capability = (typeof names)[number]

/** Every capability that Linux has, in the order of their numbers, from 0 to 40. */
export const allCapabilities: readonly Capability[] = names

/** The 14 capabilities of a container that asks for nothing else, as Docker's. */
export const defaultCapabilities: readonly Capability[] = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
]

const numbers: ReadonlyMap<string, number> = new Map(names.map((name, number) => [name, number]))

/** Number of a capability, CAP_* of linux/capability.h. */
export function capabilityNumber(capability: Capability): number {
  return numbers.get(capability) ?? invalid(capability)
}

/**
 * Reads the name of a capability in any case, with or without `CAP_`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: there is no such capability.
 *
 * @example
 * parseCapability('net_admin') // 'CAP_NET_ADMIN'
 */
export function parseCapability(text: string): Capability {
  const upper = text.toUpperCase()
  const number = numbers.get(upper.startsWith('CAP_') ? upper : `CAP_${upper}`)
  return names[number ?? -1] ?? invalid(text)
}

/**
 * The capabilities of a mask of the kernel's, bit n for number n (`CapEff` of `/proc/PID/status`), in that order. Bits
 * that have no name are left out.
 */
export function capabilitiesOfMask(mask: bigint): readonly Capability[] {
  return names.filter((_, number) => (mask >> BigInt(number)) & 1n)
}

function invalid(text: string): never {
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot use capability ${JSON.stringify(text)}: no such capability`,
  )
}
