import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { flock, LOCK_EX, LOCK_NB } from '@ctr/linux'
import { errnoOf } from '../errors.js'

const retryMs = 5

/** Acts while it holds the lock of a file, which is made where it is missing. The kernel drops it when we die. */
export async function withFileLock<T>(path: string, act: () => T | Promise<T>): Promise<T> {
  const fd = openSync(path, 'a', 0o600)
  try {
    while (!tryLock(fd)) await sleep(retryMs)
    return await act()
  } finally {
    closeSync(fd)
  }
}

/** Takes the lock of an open file; false when somebody else has it. */
export function tryLock(fd: number): boolean {
  try {
    flock(fd, LOCK_EX | LOCK_NB)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN' || errnoOf(error) === 'EWOULDBLOCK') return false
    throw error
  }
}
