import { existsSync, readFileSync } from 'node:fs'
import type { Program } from '@ctr/linux'
import type { SpawnOptions } from '@ctr/namespaces'
import { RuntimeError } from '../../errors.js'
import type { ConfigProcess } from '../config/config.js'
import { openProc, writeProc, type Descriptor } from './proc.js'

/** Labels of a process. An empty one is none. */
export type Labels = Pick<ConfigProcess, 'apparmorProfile' | 'selinuxLabel'>

/**
 * Refuses labels that nothing on this host would enforce.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`
 */
export function checkLabels({ apparmorProfile = '', selinuxLabel = '' }: Labels): void {
  if (selinuxLabel !== '' && !selinuxEnabled()) {
    throw missing('process.selinuxLabel', selinuxLabel, 'SELinux')
  }
  if (apparmorProfile !== '' && !apparmorEnabled()) {
    throw missing('process.apparmorProfile', apparmorProfile, 'AppArmor')
  }
}

/** Whether SELinux labels mean something on this host. */
export function selinuxEnabled(): boolean {
  return existsSync('/sys/fs/selinux/status')
}

/** Whether AppArmor profiles mean something on this host. */
export function apparmorEnabled(): boolean {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'latin1').startsWith('Y')
  } catch {
    return false // a kernel without AppArmor
  }
}

/**
 * Stage 2, before no_new_privs, which forbids most changes of AppArmor profiles: says under which label and profile
 * the kernel is to execute the command. It cannot be earlier: an `execve` uses the wish up, and the kernel refuses a
 * descriptor of the file that was opened before one.
 *
 * @param proc - As `openProc` makes it, or a procfs of the host's that is mounted nowhere. Its `self` is this process
 *   in either: never a path of the container, where another file could take the write and leave the process
 *   unconfined (CVE-2019-19921, CVE-2025-52881).
 */
export function setLabels(
  program: Program,
  { apparmorProfile = '', selinuxLabel = '' }: Labels,
  proc: Descriptor,
): void {
  if (apparmorProfile !== '') {
    program.step('set the AppArmor profile')
    writeProc(program, proc, apparmorFile(), `exec ${apparmorProfile}`)
  }
  if (selinuxLabel !== '') {
    program.step('set the SELinux label')
    writeProc(program, proc, 'self/attr/exec', selinuxLabel)
  }
}

/**
 * Stage 2, before `joinSessionKeyring`: the SELinux label of keys that the process makes, up to its `execve`.
 *
 * @param proc - As for {@link setLabels}.
 */
export function setKeyLabel(program: Program, label: string, proc: Descriptor): void {
  program.step('set the SELinux label of keys')
  writeProc(program, proc, 'self/attr/keycreate', label)
}

/** Number of the procfs that labels are written through, in the child. */
const PROC_FD = 1001

/** The parts of `spawn`'s options that give a process its labels. */
export type LabelPieces = Pick<SpawnOptions, 'finish' | 'finishFds'> & {
  /** Adds what is left for `finish` of the child's own procfs, where that is needed; to be called in `prepare`. */
  readonly keepProc: (program: Program, proc?: Descriptor) => void
}

/** Says how a process gets its labels. */
export function labelPieces({ apparmorProfile = '', selinuxLabel = '' }: Labels): LabelPieces {
  if (apparmorProfile === '' && selinuxLabel === '')
    return { finish: () => undefined, finishFds: [], keepProc: () => undefined }
  return {
    finish: (program) => {
      if (selinuxLabel !== '') setKeyLabel(program, selinuxLabel, PROC_FD)
      setLabels(program, { apparmorProfile, selinuxLabel }, PROC_FD)
    },
    finishFds: [PROC_FD],
    keepProc: (program, proc) => {
      program.call('dup3', [proc ?? openProc(program), PROC_FD, 0])
    },
  }
}

/** Before Linux 5.8 security modules share one file. */
function apparmorFile(): string {
  return existsSync('/proc/self/attr/apparmor') ? 'self/attr/apparmor/exec' : 'self/attr/exec'
}

function missing(field: string, value: string, what: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_CONFIG',
    `cannot use ${field} ${JSON.stringify(value.slice(0, 200))}: ${what} is not enabled on this host`,
  )
}
