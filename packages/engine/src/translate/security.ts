import { existsSync } from 'node:fs'
import {
  isRuntimeError,
  parseSeccompProfile,
  type CreateContainerOptions,
  type SeccompProfile,
} from '@ctr/runtime'
import { badRequest } from '../errors.js'

/** What is said by others and means what is here anyway. */
const already = /^(no-new-privileges[:=]false|seccomp[:=]builtin|label[:=]disable)$/

/** Of SELinux, and nothing where the kernel does not enforce it. */
const label = /^label[:=](user|role|type|level|filetype):./

type Security = Pick<CreateContainerOptions, 'noNewPrivileges' | 'seccomp' | 'apparmorProfile'>

/** `HostConfig.SecurityOpt`; a seccomp profile is there whole, as clients read it from its file. */
export function securityOf(options: readonly string[]): Security {
  let found: Security = {}
  for (const option of options) {
    const profile = /^seccomp[:=]\s*(\{.*)$/s.exec(option)?.[1]
    const apparmorProfile = /^apparmor[:=](.+)$/s.exec(option)?.[1]
    if (profile !== undefined) found = { ...found, seccomp: profileOf(profile) }
    else if (apparmorProfile !== undefined) found = { ...found, apparmorProfile }
    else if (/^no-new-privileges([:=]true)?$/.test(option)) found = { ...found, noNewPrivileges: true }
    else if (/^seccomp[:=]unconfined$/.test(option)) found = { ...found, seccomp: 'unconfined' }
    else if (!already.test(option) && !(label.test(option) && !existsSync('/sys/fs/selinux/enforce')))
      throw badRequest(
        `invalid HostConfig.SecurityOpt: ${JSON.stringify(option.slice(0, 200))} is not supported`,
      )
  }
  return found
}

function profileOf(json: string): SeccompProfile {
  try {
    return parseSeccompProfile(json)
  } catch (error) {
    if (!isRuntimeError(error)) throw error
    throw badRequest(`invalid HostConfig.SecurityOpt: ${error.message}`)
  }
}
