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
  const fd = new Fd(createMemory(name))
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd.number, bytes, done)
    syscall('fcntl', fd.number, F_ADD_SEALS, SEALS_ALL)
    return fd
  } catch (error) {
    fd.close()
    throw error
  }
}

/** Kernels before 6.3 do not know `MFD_NOEXEC_SEAL`, which others may demand (the sysctl `vm.memfd_noexec`). */
function createMemory(name: string): number {
  try {
    return syscall('memfd_create', name, MFD_CLOEXEC + MFD_NOEXEC_SEAL)
  } catch (error) {
    if (!isSyscallError(error) || error.code !== 'EINVAL') throw error
    return syscall('memfd_create', name, MFD_CLOEXEC + MFD_ALLOW_SEALING)
  }
}
