import { commit, ownVersion } from '../../version.js'
import { OCI_VERSION } from '../config/default-config.js'

/**
 * What `--version` prints. The last line names what callers ask for in the form that crun gave it: whether something
 * can be used on a host, `features` and the errors say.
 */
export function versionText(name: string): string {
  const built = commit()
  return [
    `${name} version ${ownVersion()}`,
    ...(built === undefined ? [] : [`commit: ${built}`]),
    `spec: ${OCI_VERSION}`,
    `node: ${process.versions.node}`,
    '+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +CRIU',
    '',
  ].join('\n')
}
