import { chmodSync } from 'node:fs'
import { syscallOr } from '@ctr/linux'

/**
 * Makes a folder root's alone (mode 0700), and takes away what its own parent may have handed down to it, so
 * that it hands down nothing: a setgid bit gives files a group, a default ACL gives them permissions.
 */
export function inheritNothing(folder: string): void {
  for (const name of ['system.posix_acl_default', 'system.posix_acl_access']) {
    syscallOr(['ENODATA', 'EOPNOTSUPP'], 'removexattr', folder, name)
  }
  chmodSync(folder, 0o700)
}
