import { PER_LINUX, PER_LINUX32, type Program } from '@ctr/linux'
import type { ConfigPersonality } from '../config/config.js'
import type { Log } from '../log.js'

/**
 * Stage 2, before seccomp, which often forbids it: with LINUX32 uname(2) tells of a machine of 32 bits. The
 * specification knows no flags yet; those of a config are reported and not used.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/personality.2.html}
 */
export function setPersonality(program: Program, { domain, flags = [] }: ConfigPersonality, log: Log): void {
  if (flags.length > 0) log.warn(`ignoring unsupported personality flags: ${flags.join(', ')}`)
  program
    .step('set the execution domain')
    .call('personality', [domain === 'LINUX32' ? PER_LINUX32 : PER_LINUX])
}
