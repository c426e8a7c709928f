import { PER_LINUX, PER_LINUX32, type Program } from '@ctr/linux'

/** Execution domain of a process: with LINUX32 uname(2) tells of a machine of 32 bits. */
export type ExecutionDomain = 'LINUX' | 'LINUX32'

/**
 * Sets it before the seccomp filter is loaded, which often forbids it.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/personality.2.html}
 */
export function setPersonality(program: Program, domain: ExecutionDomain): void {
  program
    .step('set the execution domain')
    .call('personality', [domain === 'LINUX32' ? PER_LINUX32 : PER_LINUX])
}
