import type { Architecture } from '@ctr/linux'
import type {
  LinuxSeccomp,
  LinuxSeccompArg,
  LinuxSeccompSyscall,
  SeccompArchitecture,
} from '../seccomp/profile.js'
import {
  allowedSyscalls,
  syscallsByCapability,
  syscallsByMachine,
  tracingSyscalls,
} from './allowed-syscalls.js'
import { isKernelSince } from './kernel-release.js'

/** What {@link defaultSeccompProfile} depends on. */
export interface DefaultSeccompOptions {
  /** Capabilities of the container's bounding set, as `CAP_SYS_ADMIN`. Some allow further calls. */
  readonly capabilities: readonly string[]
  /** Machine, named as `process.arch` names it. */
  readonly architecture: Architecture
  /** Release of the running kernel, as `os.release()` gives it. Default: new enough for everything. */
  readonly kernelVersion?: string | undefined
}

const EPERM = 1
const ENOSYS = 38

// CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
const CLONE_NEW_NAMESPACES = 0x7e02_0000

// PER_LINUX, PER_LINUX32, both with UNAME26, and 0xffffffff, which asks for the current one
const PERSONALITIES = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff]

// ABIs whose programs run on the machine, its own one first
const machineAbis: Readonly<Record<Architecture, readonly SeccompArchitecture[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
}

/**
 * Docker's default seccomp profile, as in the newest Moby: what it does not name fails with EPERM.
 *
 * Allowed without conditions are the calls of {@link allowedSyscalls}, those that the machine needs, and those that
 * a capability of the container opens (`mount` with `CAP_SYS_ADMIN`, `chroot` with `CAP_SYS_CHROOT` and so on).
 * Without `CAP_SYS_ADMIN`, `clone` may not make namespaces, and `clone3` returns ENOSYS, because its flags lie in
 * memory where a filter cannot see them: libc then falls back to `clone`. `personality` takes five harmless values.
 *
 * `socket` takes every family but AF_ALG (38) and AF_VSOCK (40). Differently from Moby this holds for the whole
 * 64-bit register: the kernel uses the low half only, and a family of 2^32+40 would pass a plain "greater than 40".
 * Families from 48 on, which no kernel has, fail with EPERM instead of EAFNOSUPPORT. As with Docker, 32-bit x86
 * programs still reach every family through `socketcall`.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: `kernelVersion` does not begin with two numbers.
 * @see {@link https://docs.docker.com/engine/security/seccomp/}
 */
export function defaultSeccompProfile({
  capabilities,
  architecture,
  kernelVersion,
}: DefaultSeccompOptions): LinuxSeccomp {
  const held = new Set(capabilities)
  const names = new Set([...allowedSyscalls, ...syscallsByMachine[architecture]])
  for (const capability of held) {
    if (!Object.hasOwn(syscallsByCapability, capability)) continue
    for (const name of syscallsByCapability[capability] ?? []) names.add(name)
  }
  if (kernelVersion === undefined || isKernelSince(kernelVersion, 4, 8))
    for (const name of tracingSyscalls) names.add(name)

  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: machineAbis[architecture],
    syscalls: [
      { names: [...names].sort(), action: 'SCMP_ACT_ALLOW' },
      ...socketRules,
      ...PERSONALITIES.map((value) => allowIf('personality', { index: 0, value, op: 'SCMP_CMP_EQ' })),
      ...(held.has('CAP_SYS_ADMIN') ? [] : namespaceRules),
    ],
  }
}

// 0 to 37, 39, 41, 42 and 43, 44 to 47: the whole register is compared
const socketRules: readonly LinuxSeccompSyscall[] = [
  allowIf('socket', { index: 0, value: 38, op: 'SCMP_CMP_LT' }),
  allowIf('socket', { index: 0, value: 39, op: 'SCMP_CMP_EQ' }),
  allowIf('socket', { index: 0, value: 41, op: 'SCMP_CMP_EQ' }),
  allowIf('socket', { index: 0, value: 0xffff_ffff_ffff_fffen, valueTwo: 42, op: 'SCMP_CMP_MASKED_EQ' }),
  allowIf('socket', { index: 0, value: 0xffff_ffff_ffff_fffcn, valueTwo: 44, op: 'SCMP_CMP_MASKED_EQ' }),
]

const namespaceRules: readonly LinuxSeccompSyscall[] = [
  allowIf('clone', { index: 0, value: CLONE_NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
]

function allowIf(name: string, arg: LinuxSeccompArg): LinuxSeccompSyscall {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [arg] }
}
