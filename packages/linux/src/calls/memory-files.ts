import { writeSync } from 'node:fs'
import { F_ADD_SEALS, MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_NOEXEC_SEAL, SEALS_ALL } from '../constants/file.js'
import { isSyscallError } from '../errors.js'
import { Fd } from '../fd.js'
import { syscall } from '../syscall.js'

/**
 * An anonymous file in memory, sealed: whoever is given it may map it, and nobody changes it under them. Close-on-exec.
 *
 * @param name - As `/proc/self/fd` shows it; without a meaning.
 * @see {@link https://man7.org/linux/man-pages/man2/memfd_create.2.html}
 */
export function sealedMemory(name: string, bytes: Uint8Array): Fd {
  const fd = createMemory(name, MFD_NOEXEC_SEAL)
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd.number, bytes, done)
    syscall('fcntl', fd.number, F_ADD_SEALS, SEALS_ALL)
    return fd
  } catch (error) {
    fd.close()
    throw error
  }
}

/**
 * An anonymous file in memory that can be sealed. Close-on-exec.
 *
 * @param kind - `MFD_EXEC` or `MFD_NOEXEC_SEAL`, of which one must be named where the sysctl `vm.memfd_noexec` demands
 *   it. Kernels before 6.3 know neither and make every such file executable.
 */
export function createMemory(name: string, kind: number): Fd {
  const flags = MFD_CLOEXEC + MFD_ALLOW_SEALING
  try {
    return new Fd(syscall('memfd_create', name, flags + kind))
  } catch (error) {
    if (!isSyscallError(error) || error.code !== 'EINVAL') throw error
    return new Fd(syscall('memfd_create', name, flags))
  }
}
