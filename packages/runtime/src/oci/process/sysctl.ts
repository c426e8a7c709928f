import { statSync } from 'node:fs'
import { RESOLVE_NO_SYMLINKS, type Program } from '@ctr/linux'
import type { ConfigLinux } from '../config/config.js'
import { invalidConfig } from '../config/invalid-config.js'
import { sysctlFile, sysctlNamespace } from '../config/sysctl.js'
import { writeProc, type Descriptor } from './proc.js'

/**
 * Refuses sysctls of the network where the namespace to join is that of the runtime itself, which the text of a
 * config does not show.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`
 */
export function checkSysctls({ sysctl = {}, namespaces = [] }: ConfigLinux): void {
  const path = namespaces.find(({ type }) => type === 'network')?.path
  const first = Object.keys(sysctl).find((name) => sysctlNamespace(sysctlFile(name)) === 'network')
  if (path === undefined || first === undefined) return
  const [own, other] = [statSync('/proc/self/ns/net'), statSync(path, { throwIfNoEntry: false })]
  if (own.dev === other?.dev && own.ino === other.ino) {
    throw invalidConfig(`sysctl ${JSON.stringify(first)} is not allowed in the host network namespace`)
  }
}

/**
 * Stage 1, in the container's namespaces: sets sysctls, in the order of the config. The names lead to files of `proc`
 * and nowhere else, over no link and no mount.
 *
 * @param proc - As `openProc` makes it.
 * @see {@link https://man7.org/linux/man-pages/man5/proc_sys.5.html}
 */
export function setSysctls(
  program: Program,
  sysctls: Readonly<Record<string, string>>,
  proc: Descriptor,
): void {
  for (const [name, value] of Object.entries(sysctls)) {
    program.step(`set the sysctl ${name}`)
    writeProc(program, proc, `sys/${sysctlFile(name)}`, value, RESOLVE_NO_SYMLINKS)
  }
}
