import { usageError } from '../errors.js'

/** What `--security-opt` sets. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean
  /** Undefined where nothing is said: `--privileged` then means none. */
  readonly seccomp: 'default' | 'unconfined' | undefined
}

/** Reads `--security-opt`: `no-new-privileges[=true|=false]`, `seccomp=unconfined`, `seccomp=builtin`. */
export function parseSecurity(words: readonly string[]): SecurityOptions {
  let noNewPrivileges = false
  let seccomp: SecurityOptions['seccomp']
  for (const word of words) {
    switch (word.replace(':', '=')) {
      case 'no-new-privileges':
      case 'no-new-privileges=true':
        noNewPrivileges = true
        break
      case 'no-new-privileges=false':
        noNewPrivileges = false
        break
      case 'seccomp=unconfined':
        seccomp = 'unconfined'
        break
      case 'seccomp=builtin':
        seccomp = 'default'
        break
      default:
        throw usageError(
          `invalid --security-opt "${word}": no-new-privileges, seccomp=builtin and seccomp=unconfined are there`,
        )
    }
  }
  return { noNewPrivileges, seccomp }
}
