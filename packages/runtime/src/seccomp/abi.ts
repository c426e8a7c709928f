import type { Architecture } from '@ctr/linux'
import type { SeccompArchitecture } from './profile.js'
import { syscallNumbers } from './syscall-numbers.js'

/** One way to call the kernel: its own numbers, and 32- or 64-bit arguments. */
export interface Abi {
  readonly name: SeccompArchitecture
  /** `seccomp_data.arch`, AUDIT_ARCH_* of linux/audit.h. */
  readonly auditArch: number
  /** Column of {@link syscallNumbers}. */
  readonly column: number
  /** Added to every number of the column. */
  readonly numberBase: number
  /** True when only the low 32 bits of an argument mean something. */
  readonly narrow: boolean
}

/** Every system call of the x32 ABI has this bit (`__X32_SYSCALL_BIT`). */
export const X32_BIT = 0x4000_0000

const x86_64: Abi = {
  name: 'SCMP_ARCH_X86_64',
  auditArch: 0xc000_003e,
  column: 0,
  numberBase: 0,
  narrow: false,
}
const x86: Abi = { name: 'SCMP_ARCH_X86', auditArch: 0x4000_0003, column: 1, numberBase: 0, narrow: true }
const x32: Abi = { ...x86_64, name: 'SCMP_ARCH_X32', column: 2, numberBase: X32_BIT, narrow: true }
const aarch64: Abi = {
  name: 'SCMP_ARCH_AARCH64',
  auditArch: 0xc000_00b7,
  column: 3,
  numberBase: 0,
  narrow: false,
}
const arm: Abi = { name: 'SCMP_ARCH_ARM', auditArch: 0x4000_0028, column: 4, numberBase: 0, narrow: true }

/** ABIs that the kernel of a machine may serve, its own one first. */
export const machineAbis: Readonly<Record<Architecture, readonly Abi[]>> = {
  x64: [x86_64, x86, x32],
  arm64: [aarch64, arm],
}

/** A system call's numbers, one for each column of {@link syscallNumbers}. */
export type Numbers = readonly (number | null)[]

/** Numbers of a call; all null where no ABI has it. */
export function numbersOf(name: string): Numbers {
  return (Object.hasOwn(syscallNumbers, name) ? syscallNumbers[name] : undefined) ?? none
}

const none: Numbers = [null, null, null, null, null]

/** Number of a call, or undefined when the ABI does not have it. */
export function numberIn(abi: Abi, numbers: Numbers): number | undefined {
  const number = numbers[abi.column]
  return typeof number === 'number' ? number + abi.numberBase : undefined
}

/** The same by the call's name. */
export function numberOf(abi: Abi, name: string): number | undefined {
  return numberIn(abi, numbersOf(name))
}

/** A call made through another one: `number` is that one's, `call` its first argument. */
export interface MultiplexedCall {
  readonly number: number
  readonly call: number
}

const socketCalls =
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown ' +
  'setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg'
const ipcCalls = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
}

const multiplexed: ReadonlyMap<string, MultiplexedCall> = new Map([
  ...socketCalls
    .split(' ')
    .map((name, index): [string, MultiplexedCall] => [name, { number: 102, call: index + 1 }]),
  ...Object.entries(ipcCalls).map(([name, call]): [string, MultiplexedCall] => [name, { number: 117, call }]),
])

/**
 * On 32-bit x86, the older way to make a call: through socketcall(2) or ipc(2), whose first argument says which
 * call is meant. Undefined for calls and ABIs without one.
 */
export function multiplexedCall(abi: Abi, name: string): MultiplexedCall | undefined {
  return abi.name === 'SCMP_ARCH_X86' ? multiplexed.get(name) : undefined
}
