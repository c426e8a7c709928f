import { readFileSync } from 'node:fs'
import { parseSeccompProfile, type RunOptions } from '@ctr/runtime'
import { usageError } from '../errors.js'

/** What `--security-opt` sets; what is unset is as usual, also with `--privileged`. */
export type SecurityOptions = Required<Pick<RunOptions, 'noNewPrivileges' | 'seccomp'>> &
  Pick<RunOptions, 'apparmorProfile'>

/**
 * Reads `--security-opt`: `no-new-privileges[=true|=false]`, `seccomp=unconfined`, `seccomp=builtin`,
 * `seccomp=FILE` with a profile in Docker's form, and `apparmor=PROFILE`.
 */
export function parseSecurity(words: readonly string[]): SecurityOptions {
  let noNewPrivileges = false
  let seccomp: SecurityOptions['seccomp']
  let apparmorProfile: string | undefined
  for (const word of words) {
    const profile = /^apparmor[=:](.+)$/s.exec(word)?.[1]
    if (profile !== undefined) {
      apparmorProfile = profile
      continue
    }
    const file = profileFile(word)
    if (file !== undefined) {
      seccomp = parseSeccompProfile(readProfile(file))
      continue
    }
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
          `invalid --security-opt "${word}": no-new-privileges, seccomp=builtin, seccomp=unconfined, seccomp=FILE and apparmor=PROFILE are there`,
        )
    }
  }
  return { noNewPrivileges, seccomp, ...(apparmorProfile === undefined ? {} : { apparmorProfile }) }
}

/** `--security-opt` as daemons take it: with the text of profiles instead of their files. */
export function securityWords(words: readonly string[]): readonly string[] {
  return words.map((word) => {
    const file = profileFile(word)
    return file === undefined ? word : `seccomp=${readProfile(file)}`
  })
}

/** The file of a seccomp profile, where a word names one. */
function profileFile(word: string): string | undefined {
  const value = /^seccomp[:=](.+)$/s.exec(word)?.[1]
  return value === 'unconfined' || value === 'builtin' ? undefined : value
}

function readProfile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw usageError(`invalid --security-opt: cannot read the seccomp profile: ${(error as Error).message}`)
  }
}
