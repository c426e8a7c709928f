import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import { Fd, flock, isSyscallError, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from '@ctr/linux'

/**
 * An exclusive lock of a folder (flock(2)). The kernel gives it up however its process ends; children of the
 * process do not keep it.
 */
export interface FolderLock extends Disposable {
  readonly path: string
}

/**
 * Locks a folder, and waits while somebody else has it. Nobody waits inside the kernel, so that two who wait in
 * one process do not stop each other.
 *
 * @param path - The folder.
 * @param timeoutMs - How long to wait at most.
 * @returns Undefined when the time is over.
 * @throws The system's error, `ENOENT` when the folder is not there, or is removed meanwhile.
 */
export async function lockFolder(path: string, timeoutMs: number): Promise<FolderLock | undefined> {
  let fd = tryLock(path, LOCK_EX)
  if (fd !== undefined) return held(path, fd) // as nearly always: nothing is loaded that only waiting needs
  const { setTimeout: sleep } = process.getBuiltinModule('node:timers/promises')
  const deadline = performance.now() + timeoutMs
  for (let pause = 1; performance.now() < deadline; pause = Math.min(pause * 2, 16)) {
    await sleep(pause * (0.5 + Math.random()))
    fd = tryLock(path, LOCK_EX)
    if (fd !== undefined) return held(path, fd)
  }
  return undefined
}

/** True while somebody has the lock, this process included. */
export function isLocked(path: string): boolean {
  const fd = tryLock(path, LOCK_SH) // shared, so that two who ask do not see each other
  fd?.close()
  return fd === undefined
}

function tryLock(path: string, operation: number): Fd | undefined {
  const fd = new Fd(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW))
  try {
    flock(fd.number, operation + LOCK_NB)
    // whoever had it may have removed the folder, and somebody made another one of the same name
    if (isStill(path, fd.number)) return fd
  } catch (error) {
    fd.close()
    if (isSyscallError(error) && error.code === 'EAGAIN') return undefined
    throw error
  }
  fd.close()
  return undefined
}

function isStill(path: string, fd: number): boolean {
  const here = fstatSync(fd)
  const there = statSync(path)
  return here.ino === there.ino && here.dev === there.dev
}

function held(path: string, fd: Fd): FolderLock {
  let open = true
  return {
    path,
    [Symbol.dispose]() {
      if (!open) return
      open = false
      // a child on its way to its execve may hold the descriptor for a moment yet
      flock(fd.number, LOCK_UN)
      closeSync(fd.release())
    },
  }
}
