import { ftruncateSync, readSync } from 'node:fs'
import { Fd, MFD_CLOEXEC, syscall, type Program } from '@ctr/linux'

/**
 * Where the kernel notes the pid of a clone before that one runs (`CLONE_PARENT_SETTID`): memory that we can read, too.
 * The process that clones itself reports the pid as well, but may be killed before it comes to that, frozen in its
 * cgroup for example; its clone is our child then, and nobody else would end and reap it.
 */
export const NOTE_ADDRESS = 0x40000000

const SIZE = 4096
const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_FIXED_NOREPLACE = 0x100000
const MADV_DONTFORK = 10

/** Opens the memory. */
export function openCloneNote(): Fd {
  const note = new Fd(syscall('memfd_create', 'ctr-clone', MFD_CLOEXEC))
  try {
    ftruncateSync(note.number, SIZE)
    return note
  } catch (error) {
    note.close()
    throw error
  }
}

/** Adds mapping it. The clone gets nothing of it: somebody inside may have power over that one. */
export function mapCloneNote(program: Program, note: number): void {
  const protection = PROT_READ + PROT_WRITE
  const flags = MAP_SHARED + MAP_FIXED_NOREPLACE
  program.call('mmap', [NOTE_ADDRESS, SIZE, protection, flags, note, 0])
  program.call('madvise', [NOTE_ADDRESS, SIZE, MADV_DONTFORK])
  program.call('close', [note])
}

/** The pid of the clone; undefined where there never was one. */
export function readCloneNote(note: number): number | undefined {
  const bytes = Buffer.alloc(4)
  readSync(note, bytes, 0, 4, 0)
  const pid = bytes.readInt32LE(0)
  return pid > 0 ? pid : undefined
}
