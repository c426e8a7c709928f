import type { LinuxSeccomp, LinuxSeccompArg, LinuxSeccompSyscall } from '../seccomp/profile.js'

/** Condition on one argument of a system call, as in {@link SeccompProfile}. */
export interface SeccompProfileArg extends Omit<LinuxSeccompArg, 'value' | 'valueTwo'> {
  /** As in the OCI specification; what no `number` holds exactly as text of decimal digits. */
  readonly value: number | string
  readonly valueTwo?: number | string | undefined
}

/** What a rule of a {@link SeccompProfile} depends on. */
export interface SeccompProfileFilter {
  /** Capabilities of the container's bounding set, as `CAP_SYS_ADMIN`. */
  readonly caps?: readonly string[] | undefined
  /** Machines, by the names of Docker: `amd64`, `arm64`. */
  readonly arches?: readonly string[] | undefined
  /** Release of the kernel, as `4.8`, and all later ones. */
  readonly minKernel?: string | undefined
}

/** One rule of a {@link SeccompProfile}. */
export interface SeccompProfileRule extends Omit<LinuxSeccompSyscall, 'names' | 'args'> {
  /** Names of system calls. */
  readonly names?: readonly string[] | undefined
  /** A single one, in profiles of old. */
  readonly name?: string | undefined
  readonly args?: readonly SeccompProfileArg[] | undefined
  /** The rule holds only with all of these capabilities, on one of these machines, from that kernel on. */
  readonly includes?: SeccompProfileFilter | undefined
  /** The rule does not hold with any of these capabilities, on any of these machines, from that kernel on. */
  readonly excludes?: SeccompProfileFilter | undefined
}

/**
 * A seccomp profile in the form of Docker's files: that of the OCI specification, with rules that depend on the
 * container and the machine. What `JSON.parse` makes of such a file is one.
 *
 * @see {@link https://docs.docker.com/engine/security/seccomp/}
 */
export interface SeccompProfile extends Pick<
  LinuxSeccomp,
  'defaultAction' | 'defaultErrnoRet' | 'architectures' | 'flags'
> {
  /** Instead of `architectures`: a machine's ABI, and those that are allowed beside it. */
  readonly archMap?:
    | readonly {
        readonly architecture: string
        readonly subArchitectures?: readonly string[] | undefined
      }[]
    | undefined
  readonly syscalls?: readonly SeccompProfileRule[] | undefined
}
