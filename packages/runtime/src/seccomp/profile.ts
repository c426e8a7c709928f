/**
 * What happens to a system call. `SCMP_ACT_KILL` is the old name of `SCMP_ACT_KILL_THREAD`.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/seccomp.2.html}
 */
export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY'

/** How an argument is compared: unsigned, in 64 bits (32 bits for 32-bit ABIs). */
export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ'

/** ABIs that the OCI runtime specification names. */
export type SeccompArchitecture =
  | 'SCMP_ARCH_X86'
  | 'SCMP_ARCH_X86_64'
  | 'SCMP_ARCH_X32'
  | 'SCMP_ARCH_ARM'
  | 'SCMP_ARCH_AARCH64'
  | 'SCMP_ARCH_MIPS'
  | 'SCMP_ARCH_MIPS64'
  | 'SCMP_ARCH_MIPS64N32'
  | 'SCMP_ARCH_MIPSEL'
  | 'SCMP_ARCH_MIPSEL64'
  | 'SCMP_ARCH_MIPSEL64N32'
  | 'SCMP_ARCH_PPC'
  | 'SCMP_ARCH_PPC64'
  | 'SCMP_ARCH_PPC64LE'
  | 'SCMP_ARCH_S390'
  | 'SCMP_ARCH_S390X'
  | 'SCMP_ARCH_PARISC'
  | 'SCMP_ARCH_PARISC64'
  | 'SCMP_ARCH_RISCV64'
  | 'SCMP_ARCH_LOONGARCH64'
  | 'SCMP_ARCH_M68K'
  | 'SCMP_ARCH_SH'
  | 'SCMP_ARCH_SHEB'

/** Flags of seccomp(2) that a profile may ask for. */
export type SeccompFlag =
  | 'SECCOMP_FILTER_FLAG_TSYNC'
  | 'SECCOMP_FILTER_FLAG_LOG'
  | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
  | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'

/** Condition on one argument of a system call. */
export interface LinuxSeccompArg {
  /** Position of the argument, 0 to 5. */
  readonly index: number
  /**
   * What the argument is compared with, 0 to 2^64-1; the mask for `SCMP_CMP_MASKED_EQ`. A number must be a safe
   * integer: write larger values as bigint.
   */
  readonly value: number | bigint
  /** For `SCMP_CMP_MASKED_EQ`, what the masked argument must be equal to; else unused. Default 0. */
  readonly valueTwo?: number | bigint | undefined
  readonly op: SeccompOperator
}

/** One rule: it matches the named calls when every condition in `args` holds. */
export interface LinuxSeccompSyscall {
  /** Names of system calls. Those that an ABI does not have are left out there. */
  readonly names: readonly string[]
  readonly action: SeccompAction
  /** For `SCMP_ACT_ERRNO` the errno, 0 to 4095; for `SCMP_ACT_TRACE` the message to the tracer. Default EPERM. */
  readonly errnoRet?: number | undefined
  /** Conditions, all of which must hold. None: the rule matches always. */
  readonly args?: readonly LinuxSeccompArg[] | undefined
}

/**
 * A seccomp profile in the form of the OCI runtime specification (`linux.seccomp` of `config.json`).
 *
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp}
 */
export interface LinuxSeccomp {
  /** For calls that no rule matches. */
  readonly defaultAction: SeccompAction
  /** As `errnoRet` of a rule, for `defaultAction`. */
  readonly defaultErrnoRet?: number | undefined
  /** ABIs beside the machine's own one. ABIs of other machines are accepted and change nothing. */
  readonly architectures?: readonly SeccompArchitecture[] | undefined
  /** Unset means `SECCOMP_FILTER_FLAG_SPEC_ALLOW` alone, as in runc; an empty list means no flag. */
  readonly flags?: readonly SeccompFlag[] | undefined
  /** Unix socket that receives the descriptor which `SCMP_ACT_NOTIFY` reports to. */
  readonly listenerPath?: string | undefined
  /** Opaque text sent along with that descriptor. */
  readonly listenerMetadata?: string | undefined
  readonly syscalls?: readonly LinuxSeccompSyscall[] | undefined
}
