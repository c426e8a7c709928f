import type {
  SeccompAction,
  SeccompArchitecture,
  SeccompFlag,
  SeccompOperator,
} from '../../seccomp/profile.js'

// Every name of a seccomp profile, for checking a config and for telling what there is. Objects, so that
// the compiler finds a missing one.

const actions: Readonly<Record<SeccompAction, true>> = {
  SCMP_ACT_ALLOW: true,
  SCMP_ACT_ERRNO: true,
  SCMP_ACT_KILL: true,
  SCMP_ACT_KILL_PROCESS: true,
  SCMP_ACT_KILL_THREAD: true,
  SCMP_ACT_LOG: true,
  SCMP_ACT_NOTIFY: true,
  SCMP_ACT_TRACE: true,
  SCMP_ACT_TRAP: true,
}

const operators: Readonly<Record<SeccompOperator, true>> = {
  SCMP_CMP_EQ: true,
  SCMP_CMP_GE: true,
  SCMP_CMP_GT: true,
  SCMP_CMP_LE: true,
  SCMP_CMP_LT: true,
  SCMP_CMP_MASKED_EQ: true,
  SCMP_CMP_NE: true,
}

const architectures: Readonly<Record<SeccompArchitecture, true>> = {
  SCMP_ARCH_AARCH64: true,
  SCMP_ARCH_ARM: true,
  SCMP_ARCH_LOONGARCH64: true,
  SCMP_ARCH_M68K: true,
  SCMP_ARCH_MIPS: true,
  SCMP_ARCH_MIPS64: true,
  SCMP_ARCH_MIPS64N32: true,
  SCMP_ARCH_MIPSEL: true,
  SCMP_ARCH_MIPSEL64: true,
  SCMP_ARCH_MIPSEL64N32: true,
  SCMP_ARCH_PARISC: true,
  SCMP_ARCH_PARISC64: true,
  SCMP_ARCH_PPC: true,
  SCMP_ARCH_PPC64: true,
  SCMP_ARCH_PPC64LE: true,
  SCMP_ARCH_RISCV64: true,
  SCMP_ARCH_S390: true,
  SCMP_ARCH_S390X: true,
  SCMP_ARCH_SH: true,
  SCMP_ARCH_SHEB: true,
  SCMP_ARCH_X32: true,
  SCMP_ARCH_X86: true,
  SCMP_ARCH_X86_64: true,
}

const flags: Readonly<Record<SeccompFlag, true>> = {
  SECCOMP_FILTER_FLAG_TSYNC: true,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: true,
  SECCOMP_FILTER_FLAG_LOG: true,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: true,
}

export const seccompActions = Object.keys(actions) as readonly SeccompAction[]
export const seccompOperators = Object.keys(operators) as readonly SeccompOperator[]
export const seccompArchitectures = Object.keys(architectures) as readonly SeccompArchitecture[]
export const seccompFlags = Object.keys(flags) as readonly SeccompFlag[]
